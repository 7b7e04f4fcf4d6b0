#include "keyserver/store/change.hpp"

#include <algorithm>

#include "libnae/base/text.hpp"

namespace nae::store {
namespace {

constexpr std::string_view kChangeFormat = "nae-ledger-change/1\n";
constexpr std::size_t kMaxNameBytes = 256;  // of node and administrator

constexpr std::string_view kKindNames[] = {"",
                                           "adopted",
                                           "fact-set",
                                           "key-created",
                                           "version-created",
                                           "version-state",
                                           "version-schedule",
                                           "versions-bound",
                                           "key-attributes",
                                           "policy-applied",
                                           "policies-pruned",
                                           "device-enrolled",
                                           "device-key-added",
                                           "device-key-confirmed",
                                           "device-removed",
                                           "admin-added",
                                           "admin-certificate",
                                           "admin-roles",
                                           "admin-removed",
                                           "approval-requested",
                                           "approval-decided",
                                           "approval-finished",
                                           "approvals-expired",
                                           "approvals-interrupted",
                                           "rollback-accepted",
                                           "key-certificate",
                                           "node-fenced",
                                           "node-allowed",
                                           "node-removed"};
static_assert(std::size(kKindNames) == static_cast<std::size_t>(kNewestChangeKind) + 1);

tl::unexpected<Error> malformed_change() {
  return fail(Code::store_corrupt, "not a change of a ledger");
}

void write(ByteWriter& out, const Item& item) {
  out.u8(static_cast<std::uint8_t>(item.noun));
  out.text(as_text(item.identity));
  out.u8(item.content ? 1 : 0);
  if (!item.content) return;
  out.u32(static_cast<std::uint32_t>(item.content->size()));
  out.raw(*item.content);
}

bool read(ByteReader& in, Item& item) {
  const std::uint8_t noun = in.u8();
  const std::string_view identity = in.text();
  const std::uint8_t present = in.u8();
  if (noun < static_cast<std::uint8_t>(Noun::fact) ||
      noun > static_cast<std::uint8_t>(kNewestNoun) || present > 1 || identity.empty() ||
      identity.size() > kMaxIdentityBytes)
    return false;
  item.noun = static_cast<Noun>(noun);
  item.identity.assign(identity.begin(), identity.end());
  if (present == 0) return in.ok();
  const std::uint32_t size = in.u32();
  if (size > kMaxContentBytes) return false;
  const ByteView content = in.raw(size);
  item.content.emplace(content.begin(), content.end());
  return in.ok();
}

std::uint64_t number_in(ByteView identity) {
  std::uint64_t number = 0;
  for (Byte byte : identity.last(std::min<std::size_t>(identity.size(), 8)))
    number = number << 8 | byte;
  return number;
}

}  // namespace

std::string_view name(ChangeKind kind) {
  return kKindNames[static_cast<std::size_t>(kind)];
}

std::string text_of(Noun noun, ByteView identity) {
  constexpr std::size_t kIdBytes = 6;
  switch (noun) {
    case Noun::fact:
      return "fact " + std::string(as_text(identity));
    case Noun::key:
      return "key " + to_hex(identity);
    case Noun::version:
      if (identity.size() < kIdBytes) break;
      return "version " + std::to_string(number_in(identity.subspan(kIdBytes))) + " of key " +
             to_hex(identity.first(kIdBytes));
    case Noun::policy:
      return "policy version " + std::to_string(number_in(identity));
    case Noun::device:
      return "device certificate " + std::string(as_text(identity));
    case Noun::admin:
      return "administrator " + std::string(as_text(identity));
    case Noun::approval:
      return "request " + std::string(as_text(identity));
    case Noun::certificate:
      return "the certificate of " + text_of(Noun::version, identity);
  }
  return "row " + to_hex(identity);
}

Bytes encode(const Change& change) {
  Bytes bytes;
  ByteWriter out(bytes);
  out.raw(as_bytes(kChangeFormat));
  out.u64(change.epoch);
  out.u8(static_cast<std::uint8_t>(change.kind));
  out.u64(static_cast<std::uint64_t>(change.time_us));
  out.text(change.node);
  out.text(change.admin);
  out.raw(change.previous);
  out.u32(static_cast<std::uint32_t>(change.items.size()));
  for (const Item& item : change.items) write(out, item);
  return bytes;
}

Result<Change> parse_change(ByteView bytes) {
  ByteReader in(bytes);
  if (as_text(in.raw(kChangeFormat.size())) != kChangeFormat) return malformed_change();
  Change change;
  change.epoch = in.u64();
  const std::uint8_t kind = in.u8();
  change.kind = static_cast<ChangeKind>(kind);
  change.time_us = static_cast<std::int64_t>(in.u64());
  change.node = in.text();
  change.admin = in.text();
  const ByteView previous = in.raw(change.previous.size());
  const std::uint32_t items = in.u32();
  if (!in.ok() || change.epoch == 0 || kind == 0 ||
      kind > static_cast<std::uint8_t>(kNewestChangeKind) || change.node.size() > kMaxNameBytes ||
      change.admin.size() > kMaxNameBytes || items > kMaxItems)
    return malformed_change();
  std::ranges::copy(previous, change.previous.begin());
  for (std::uint32_t i = 0; i < items; ++i)
    if (!read(in, change.items.emplace_back())) return malformed_change();
  if (!in.complete()) return malformed_change();
  return change;
}

LedgerHash hash_of(ByteView encoded_change) {
  return crypto::sha256(encoded_change);
}

}  // namespace nae::store

#include "keyserver/store/fold.hpp"

#include <algorithm>

namespace nae::store {
namespace {

constexpr std::string_view kSnapshotFormat = "nae-ledger-snapshot/1\n";
constexpr std::size_t kLeastEntryBytes = 1 + 2 + 1 + crypto::kSha256Bytes + 8;

std::string key_of(Noun noun, ByteView identity) {
  std::string key(1, static_cast<char>(noun));
  key += as_text(identity);
  return key;
}

tl::unexpected<Error> malformed_snapshot() {
  return fail(Code::store_corrupt, "not a snapshot of a ledger");
}

tl::unexpected<Error> differs(Noun noun, ByteView identity, const std::string& how) {
  return fail(Code::store_corrupt, "the store's row of " + text_of(noun, identity) + " " + how,
              "The store was changed past the key server. Bring back its last good backup, and "
              "find out who can write the file.");
}

// A key of the fold begins with its noun.
std::size_t noun_in(const std::string& key) {
  return static_cast<unsigned char>(key.front());
}

}  // namespace

void Fold::insert(std::string key, const Entry& entry) {
  std::size_t& count = counts_[noun_in(key)];
  if (entries_.insert_or_assign(std::move(key), entry).second) ++count;
}

void Fold::erase(const std::string& key) {
  counts_[noun_in(key)] -= entries_.erase(key);
}

Fold::Before Fold::apply(const Change& change) {
  Before before;
  for (const Item& item : change.items) {
    std::string key = key_of(item.noun, item.identity);
    const auto found = entries_.find(key);
    before.emplace_back(
        key, found == entries_.end() ? std::nullopt : std::optional<Entry>(found->second));
    if (item.content)
      insert(std::move(key), Entry{crypto::sha256(*item.content), change.epoch});
    else
      erase(key);
  }
  return before;
}

void Fold::undo(Before before) {
  for (auto last = before.rbegin(); last != before.rend(); ++last) {
    if (last->second)
      insert(std::move(last->first), *last->second);
    else
      erase(last->first);
  }
}

const Fold::Entry* Fold::find(Noun noun, ByteView identity) const {
  const auto found = entries_.find(key_of(noun, identity));
  return found == entries_.end() ? nullptr : &found->second;
}

Result<void> Fold::check(const Item& item) const {
  const Entry* entry = find(item.noun, item.identity);
  if (!entry && !item.content) return {};
  if (!entry) return differs(item.noun, item.identity, "is in no change of the ledger");
  const std::string change = "change " + std::to_string(entry->epoch) + " of the ledger";
  if (!item.content) return differs(item.noun, item.identity, "is missing; " + change + " made it");
  if (crypto::sha256(*item.content) == entry->digest) return {};
  return differs(item.noun, item.identity, "is not as " + change + " left it");
}

Bytes encode_snapshot(const LedgerPoint& point, const Fold& fold) {
  std::vector<std::pair<std::string, Fold::Entry>> sorted;
  sorted.reserve(fold.size());
  fold.for_each([&](Noun noun, ByteView identity, const Fold::Entry& entry) {
    sorted.emplace_back(key_of(noun, identity), entry);
  });
  std::ranges::sort(sorted, {},
                    [](const auto& entry) -> const std::string& { return entry.first; });
  Bytes bytes;
  bytes.reserve(64 + sorted.size() * (kLeastEntryBytes + 8));
  ByteWriter out(bytes);
  out.raw(as_bytes(kSnapshotFormat));
  out.u64(point.epoch);
  out.raw(point.hash);
  out.u32(static_cast<std::uint32_t>(sorted.size()));
  for (const auto& [key, entry] : sorted) {
    out.u8(static_cast<std::uint8_t>(key.front()));
    out.text(std::string_view(key).substr(1));
    out.raw(entry.digest);
    out.u64(entry.epoch);
  }
  return bytes;
}

Result<Snapshot> parse_snapshot(ByteView bytes) {
  ByteReader in(bytes);
  if (as_text(in.raw(kSnapshotFormat.size())) != kSnapshotFormat) return malformed_snapshot();
  Snapshot snapshot;
  snapshot.point.epoch = in.u64();
  const ByteView hash = in.raw(snapshot.point.hash.size());
  const std::uint32_t entries = in.u32();
  if (!in.ok() || snapshot.point.epoch == 0 || entries > in.remaining() / kLeastEntryBytes)
    return malformed_snapshot();
  std::ranges::copy(hash, snapshot.point.hash.begin());
  std::string last;
  for (std::uint32_t i = 0; i < entries; ++i) {
    const std::uint8_t noun = in.u8();
    const std::string_view identity = in.text();
    const ByteView digest = in.raw(crypto::kSha256Bytes);
    Fold::Entry entry;
    entry.epoch = in.u64();
    if (!in.ok() || noun < static_cast<std::uint8_t>(Noun::fact) ||
        noun > static_cast<std::uint8_t>(kNewestNoun) || identity.empty() ||
        identity.size() > kMaxIdentityBytes || entry.epoch == 0 ||
        entry.epoch > snapshot.point.epoch)
      return malformed_snapshot();
    std::ranges::copy(digest, entry.digest.begin());
    std::string key = key_of(static_cast<Noun>(noun), as_bytes(identity));
    if (i > 0 && key <= last) return malformed_snapshot();
    last = key;
    snapshot.fold.insert(std::move(key), entry);
  }
  if (!in.complete()) return malformed_snapshot();
  return snapshot;
}

}  // namespace nae::store

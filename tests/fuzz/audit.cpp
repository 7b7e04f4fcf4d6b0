// libFuzzer: what an auditor is given: lines of a log, signed heads, receipts, names of segments.
// A line that is taken apart is written again as the same bytes; a chain that was changed at any
// byte does not prove; heads and receipts read again as they were written.
#include "keyserver/audit/chain.hpp"

#include <algorithm>

#include "keyserver/audit/archive.hpp"
#include "keyserver/audit/encode.hpp"
#include "keyserver/audit/hash_tree.hpp"
#include "keyserver/audit/head.hpp"
#include "keyserver/audit/query.hpp"
#include "keyserver/audit/receipt.hpp"
#include "keyserver/audit/summary.hpp"
#include "keyserver/audit/witness.hpp"
#include "libnae/base/text.hpp"
#include "tests/fuzz/property.hpp"

using namespace nae;
using namespace nae::fuzz;
using namespace nae::audit;

namespace {

void check_line(std::string_view text) {
  auto line = split_line(text);
  if (!line) return;
  require(line->seq != 0 && text.size() < kMaxLineBytes);
  std::string again;
  ChainPoint point{line->seq - 1, kGenesis};
  append_line(again, point, line->members);
  require(point.seq == line->seq);
  // Whatever it follows, all but the hash is the same.
  require(again.substr(0, line->hashed.size()) == line->hashed);
  require(again.size() == text.size() + 1);
  auto second = split_line(std::string_view(again).substr(0, text.size()));
  require(second && second->hash == line_hash(kGenesis, line->hashed));
  if (auto previous = previous_of_segment(*line)) {
    const auto members = segment_members(0, *previous);
    require(members.size() == line->members.size());
  }
}

void check_record(std::string_view text) {
  auto record = parse_record(text);
  if (!record) return require_refusal(record.error(), Code::audit_broken);
  require(record->seq != 0 && !record->event.empty() && record->line == text);
  std::string time;
  append_time(time, record->time_us);
  require(record->time_us < 0 || time.size() == 27);
  Summary summary;
  summary.add(*record);
}

void check_head(std::string_view text) {
  auto head = parse_head(text);
  if (!head) return require_refusal(head.error(), Code::audit_broken);
  auto again = parse_head(to_json(*head));
  require(again && canonical_bytes(*again) == canonical_bytes(*head) &&
          again->signature == head->signature);
  require(head->first_seq >= 1 && head->first_seq <= head->point.seq);
  auto name = segment_head_name(head->first_seq);
  require(name.ends_with(kHeadFile));
}

void check_mark(std::string_view text) {
  auto mark = parse_archive_mark(text);
  if (!mark) return require_refusal(mark.error(), Code::audit_broken);
  auto again = parse_archive_mark(to_json(*mark));
  require(again && canonical_bytes(*again) == canonical_bytes(*mark) &&
          again->signature == mark->signature);
  require(mark->point.seq >= 1);
}

// A public key that signed none of it.
constexpr std::string_view kStranger =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAECIKxPbW6FaSqRT63q52FtT9zI6zU\n"
    "zQg9sW94tE9KR7ZTZ5Ca7Njf5fYjTX0kLOeD8p3aqzLNPKUhsfonaIXj2w==\n"
    "-----END PUBLIC KEY-----\n";

void check_receipt(std::string_view text) {
  auto receipt = parse_receipt(text);
  if (!receipt) return require_refusal(receipt.error(), Code::audit_broken);
  auto again = parse_receipt(to_json(*receipt));
  require(again && again->line == receipt->line && again->previous == receipt->previous &&
          again->path == receipt->path &&
          canonical_bytes(again->head) == canonical_bytes(receipt->head));
  auto verified = verify_receipt(*receipt, kStranger);
  require(!verified && verified.error().code == Code::audit_broken);
}

void check_witnesses(std::string_view text) {
  auto witnesses = parse_witnesses(text);
  if (!witnesses) return require_refusal(witnesses.error(), Code::audit_broken);
  require(!witnesses->empty());
  std::string again;
  for (const std::string& detail : witness_details(*witnesses))
    again += (again.empty() ? "" : "; ") + detail;
  require(again == text);
}

void check_name(std::string_view text) {
  if (auto seq = first_seq_of_segment(text)) require(segment_name(*seq) == text);
}

// Any text as the members' values: one line, JSON, nothing of it lost but what is no UTF-8.
void check_written(std::string_view text) {
  const Context context{.device = text, .program = text, .database = text, .role = text};
  std::string members;
  append_record(members, render_context(context),
                Record{.time_us = 1, .action = "decrypt", .key = text});
  std::string out;
  ChainPoint point;
  append_line(out, point, members);
  require(std::ranges::count(out, '\n') == 1 && is_utf8(out));
  if (out.size() > kMaxLineBytes) return;
  const std::string_view line = std::string_view(out).substr(0, out.size() - 1);
  require(split_line(line).has_value());
  auto record = parse_record(line);
  require(record.has_value());
  if (is_utf8(text) && text.size() <= kMaxFieldBytes)
    require(record->role == text && record->key == text);
}

void check_tree(ByteView bytes) {
  std::vector<Hash> hashes(bytes.size() % 40 + 1);
  for (std::size_t i = 0; i < hashes.size(); ++i)
    hashes[i].fill(i < bytes.size() ? bytes[i] : Byte{0});
  HashTree tree;
  for (const Hash& hash : hashes) tree.add(hash);
  const std::size_t index = bytes.empty() ? 0 : bytes.back() % hashes.size();
  auto path = path_to_root(hashes, index);
  auto root = root_of_path(hashes[index], index, hashes.size(), path);
  require(root && *root == tree.root());
  path.emplace_back();
  require(!root_of_path(hashes[index], index, hashes.size(), path));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = text_of(data, size);
  check_line(text);
  check_record(text);
  check_mark(text);
  check_head(text);
  check_receipt(text);
  check_witnesses(text);
  check_name(text);
  check_written(text);
  check_tree({data, size});
  return 0;
}

// Inside a line, with the hash that belongs to it: a blind change ends at the hash.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned seed) {
  auto line = split_line(text_of(data, size));
  if (!line || seed % 3 == 0) return LLVMFuzzerMutate(data, size, max_size);
  std::string members(line->members);
  const std::size_t before = members.size();
  members.resize(before + 32);
  members.resize(
      LLVMFuzzerMutate(reinterpret_cast<std::uint8_t*>(members.data()), before, before + 32));
  std::string out;
  ChainPoint point{line->seq - 1 + seed % 2, line->hash};
  append_line(out, point, members);
  out.pop_back();
  if (out.size() > max_size) return LLVMFuzzerMutate(data, size, max_size);
  std::ranges::copy(out, data);
  return out.size();
}

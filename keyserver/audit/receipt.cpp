#include "keyserver/audit/receipt.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "keyserver/audit/file.hpp"
#include "keyserver/audit/hash_tree.hpp"
#include "libnae/base/text.hpp"

namespace nae::audit {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxPath = 64;

tl::unexpected<Error> broken_receipt(std::string message) {
  return fail(Code::audit_broken, "receipt: " + std::move(message));
}

// The segment's own head, or the newest one while the segment is being written.
Result<Head> head_of(const std::filesystem::path& directory, const Segment& segment,
                     std::uint64_t seq) {
  NAE_ASSIGN(std::optional<Head> head,
             read_head_file(directory / segment_head_name(segment.first_seq)));
  if (!head) {
    NAE_ASSIGN(head, read_head(directory));
  }
  if (!head || head->first_seq != segment.first_seq || head->point.seq < seq)
    return fail(Code::conflict, "no signed head covers record " + std::to_string(seq) + " yet",
                "ask again when a head was signed, at the latest when the server has stopped");
  return std::move(*head);
}

Result<Receipt> receipt_from(const Segment& segment, Head head, std::uint64_t seq) {
  Receipt receipt;
  std::vector<Hash> hashes;
  NAE_TRY(read_lines(segment.path, [&](const RawLine& raw) {
    auto line = raw.ended ? split_line(raw.text) : std::nullopt;
    if (!line) return false;
    if (line->seq == seq) {
      receipt.line = raw.text;
      if (!hashes.empty())
        receipt.previous = hashes.back();
      else if (auto previous = previous_of_segment(*line))
        receipt.previous = *previous;
    }
    hashes.push_back(line->hash);
    return line->seq < head.point.seq;
  }));
  const std::uint64_t index = seq - head.first_seq;
  if (receipt.line.empty() || hashes.size() != head.point.seq - head.first_seq + 1)
    return broken_receipt("the segment does not hold what its head signs");
  receipt.path = path_to_root(hashes, index);
  if (root_of_path(hashes[index], index, hashes.size(), receipt.path) != head.root)
    return broken_receipt("the segment was changed after its head was signed");
  receipt.head = std::move(head);
  return receipt;
}

std::optional<Hash> hash_from(const json::value* value) {
  if (!value || !value->is_string()) return std::nullopt;
  auto bytes = from_hex({value->get_string().data(), value->get_string().size()});
  if (!bytes || bytes->size() != kHashBytes) return std::nullopt;
  Hash hash;
  std::ranges::copy(*bytes, hash.begin());
  return hash;
}

}  // namespace

Result<Receipt> make_receipt(const std::filesystem::path& directory, std::uint64_t seq) {
  NAE_ASSIGN(std::vector<Segment> segments, list_segments(directory));
  auto after = std::ranges::upper_bound(segments, seq, {}, &Segment::first_seq);
  if (after == segments.begin())
    return fail(Code::not_found, "no segment here holds record " + std::to_string(seq));
  const Segment& segment = *std::prev(after);
  NAE_ASSIGN(Head head, head_of(directory, segment, seq));
  return receipt_from(segment, std::move(head), seq);
}

std::string to_json(const Receipt& receipt) {
  json::array path;
  for (const Hash& hash : receipt.path) path.emplace_back(to_hex(hash));
  json::object object{{"format", 1},
                      {"record", receipt.line},
                      {"previous", to_hex(receipt.previous)},
                      {"path", std::move(path)},
                      {"head", json::parse(to_json(receipt.head))}};
  return json::serialize(object) + "\n";
}

Result<Receipt> parse_receipt(std::string_view text) {
  auto malformed = [] { return broken_receipt("the file is none"); };
  json::error_code error;
  if (text.size() > kMaxReceiptBytes) return malformed();
  json::value root = json::parse(json::string_view(text.data(), text.size()), error);
  const json::object* object = error ? nullptr : root.if_object();
  if (!object) return malformed();
  const json::value* format = object->if_contains("format");
  const json::value* record = object->if_contains("record");
  const json::value* path = object->if_contains("path");
  const json::value* head = object->if_contains("head");
  auto previous = hash_from(object->if_contains("previous"));
  if (!format || !format->is_int64() || format->get_int64() != 1 || !record ||
      !record->is_string() || !path || !path->is_array() || path->get_array().size() > kMaxPath ||
      !head || !previous)
    return malformed();
  Receipt receipt;
  receipt.line = record->get_string();
  receipt.previous = *previous;
  for (const json::value& sibling : path->get_array()) {
    auto hash = hash_from(&sibling);
    if (!hash) return malformed();
    receipt.path.push_back(*hash);
  }
  NAE_ASSIGN(receipt.head, parse_head(json::serialize(*head)));
  return receipt;
}

Result<void> verify_receipt(const Receipt& receipt, std::string_view public_key_pem) {
  const Head& head = receipt.head;
  NAE_ASSIGN(bool good, is_signed_by(head, public_key_pem));
  if (!good) return broken_receipt("its head was not signed by this audit key");
  auto line = split_line(receipt.line);
  if (!line) return broken_receipt("its record is no line of an audit log");
  if (line_hash(receipt.previous, line->hashed) != line->hash)
    return broken_receipt("its record was changed");
  if (line->seq < head.first_seq || line->seq > head.point.seq)
    return broken_receipt("its head does not cover its record");
  const std::uint64_t size = head.point.seq - head.first_seq + 1;
  if (root_of_path(line->hash, line->seq - head.first_seq, size, receipt.path) != head.root)
    return broken_receipt("its record is not among those that the head signs");
  return {};
}

}  // namespace nae::audit

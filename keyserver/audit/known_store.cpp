#include "keyserver/audit/known_store.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "keyserver/audit/file.hpp"
#include "keyserver/audit/head.hpp"
#include "keyserver/audit/query.hpp"
#include "libnae/base/text.hpp"

namespace nae::audit {
namespace {

struct Found {
  Head head;
  std::string file;
};

// Newer than `newest`, and signed. What nobody signed is for the check of segments to report.
Result<void> look_at_segment_heads(const std::filesystem::path& directory,
                                   std::string_view public_key_pem, std::optional<Found>& newest) {
  NAE_ASSIGN(std::vector<Segment> segments, list_segments(directory));
  for (auto segment = segments.rbegin(); segment != segments.rend(); ++segment) {
    // Its end lies before the first record of the next one.
    if (newest && newest->head.point.seq >= segment->first_seq) return {};
    const std::string name = segment_head_name(segment->first_seq);
    auto head = read_head_file(directory / name);
    if (!head || !*head) continue;
    NAE_ASSIGN(const bool good, is_signed_by(**head, public_key_pem));
    if (!good || (*head)->first_seq != segment->first_seq) continue;
    if (!newest || (*head)->point.seq > newest->head.point.seq)
      newest = Found{std::move(**head), name};
  }
  return {};
}

std::optional<StorePoint> point_of(const StoredRecord& record) {
  StorePoint point;
  const char* const end = record.detail.data() + record.detail.size();
  const auto number = std::from_chars(record.detail.data(), end, point.epoch);
  if (number.ec != std::errc() || number.ptr == end || *number.ptr != ' ') return std::nullopt;
  const auto hash = from_hex(std::string_view(number.ptr + 1, end));
  if (!hash || hash->size() != point.hash.size()) return std::nullopt;
  std::ranges::copy(*hash, point.hash.begin());
  return point;
}

// From the segment on that holds the first record after the head.
Result<void> look_at_records(const std::filesystem::path& directory, std::uint64_t after,
                             KnownStore& known) {
  static const std::string mark = R"(,"event":")" + std::string(kStoreEvent) + "\",";
  NAE_ASSIGN(const std::vector<Segment> segments, list_segments(directory));
  for (std::size_t i = 0; i < segments.size(); ++i) {
    if (i + 1 < segments.size() && segments[i + 1].first_seq <= after + 1) continue;
    NAE_TRY(read_lines(segments[i].path, [&](const RawLine& raw) {
      const auto line = raw.ended ? split_line(raw.text) : std::nullopt;
      if (!line) return true;
      known.newest_seq = std::max(known.newest_seq, line->seq);
      // Texts escape their quotes, so that none can look like this.
      if (line->seq <= after || line->members.find(mark) == std::string_view::npos) return true;
      const auto record = parse_record(raw.text);
      const auto point = record ? point_of(*record) : std::nullopt;
      if (point && point->epoch > known.point.epoch) {
        known.point = *point;
        known.file = segments[i].path.filename().string();
      }
      return true;
    }));
  }
  return {};
}

}  // namespace

std::string store_detail(const StorePoint& point) {
  return std::to_string(point.epoch) + " " + to_hex(point.hash);
}

Result<KnownStore> known_store(const std::filesystem::path& directory,
                               std::string_view public_key_pem) {
  KnownStore known;
  std::optional<Found> newest;
  NAE_ASSIGN(std::optional<Head> head, read_head(directory));
  if (head) {
    NAE_ASSIGN(const bool good, is_signed_by(*head, public_key_pem));
    if (!good) return not_signed_head();
    known.has_head = head->store.epoch != 0;
    newest = Found{std::move(*head), std::string(kHeadFile)};
  }
  NAE_TRY(look_at_segment_heads(directory, public_key_pem, newest));
  if (newest && newest->head.store.epoch != 0) {
    known.point = newest->head.store;
    known.file = newest->file;
  }
  NAE_TRY(look_at_records(directory, newest ? newest->head.point.seq : 0, known));
  return known;
}

}  // namespace nae::audit

#include "keyserver/audit/witness.hpp"

#include <algorithm>
#include <charconv>
#include <span>

#include "keyserver/audit/archive.hpp"
#include "keyserver/audit/file.hpp"
#include "keyserver/audit/record.hpp"
#include "libnae/base/text.hpp"

namespace nae::audit {
namespace {

constexpr std::string_view kBetween = "; ";

std::optional<ChainPoint> point_in(std::string_view number, std::string_view hex) {
  ChainPoint point;
  const char* const last = number.data() + number.size();
  const auto [end, error] = std::from_chars(number.data(), last, point.seq);
  const auto hash = from_hex(hex);
  if (error != std::errc() || end != last || number.starts_with('0') || point.seq > INT64_MAX ||
      !hash || hash->size() != kHashBytes || to_hex(*hash) != hex)
    return std::nullopt;
  std::ranges::copy(*hash, point.hash.begin());
  return point;
}

std::optional<Witness> witness_of(std::string_view text) {
  const std::size_t first = text.find(' ');
  const std::size_t second = first == text.npos ? text.npos : text.find(' ', first + 1);
  if (second == text.npos) return std::nullopt;
  const std::string_view node = text.substr(0, first);
  const auto point = point_in(text.substr(first + 1, second - first - 1), text.substr(second + 1));
  if (!is_name(node) || !point) return std::nullopt;
  return Witness{std::string(node), *point};
}

// Those of `points`, in order, that lie in one segment. What the log has there goes to `compared`.
Result<void> compare_segment(const Segment& segment, std::span<const ChainPoint> points,
                             Compared& compared) {
  std::size_t next = 0;
  NAE_TRY(read_lines(segment.path, [&](const RawLine& raw) {
    const auto line = raw.ended ? split_line(raw.text) : std::nullopt;
    if (!line) return true;
    for (; next < points.size() && points[next].seq < line->seq; ++next)
      compared.absent.push_back(points[next].seq);
    // The same record may be asked for with several hashes.
    for (; next < points.size() && points[next].seq == line->seq; ++next)
      if (points[next].hash != line->hash) compared.others.push_back({line->seq, line->hash});
    return next < points.size();
  }));
  for (; next < points.size(); ++next) compared.absent.push_back(points[next].seq);
  return {};
}

}  // namespace

std::vector<std::string> witness_details(const std::vector<Witness>& witnesses) {
  std::vector<std::string> details;
  for (const Witness& witness : witnesses) {
    const std::string text =
        witness.node + " " + std::to_string(witness.point.seq) + " " + to_hex(witness.point.hash);
    if (details.empty() || details.back().size() + kBetween.size() + text.size() > kMaxDetailBytes)
      details.push_back(text);
    else
      details.back().append(kBetween).append(text);
  }
  return details;
}

Result<std::vector<Witness>> parse_witnesses(std::string_view detail) {
  std::vector<Witness> witnesses;
  while (true) {
    const std::size_t end = detail.find(kBetween);
    auto witness = witness_of(detail.substr(0, end));
    if (!witness) return fail(Code::audit_broken, "a record of witnesses of another form");
    witnesses.push_back(*std::move(witness));
    if (end == detail.npos) return witnesses;
    detail.remove_prefix(end + kBetween.size());
  }
}

std::optional<ChainPoint> lost_point(std::string_view detail) {
  // Behind the reason, which is anybody's words.
  const std::size_t at = detail.rfind(kLostPoint);
  if (at == detail.npos) return std::nullopt;
  detail.remove_prefix(at + kLostPoint.size());
  const std::size_t open = detail.find(" ("), close = detail.find(')');
  if (open == detail.npos || close == detail.npos || close < open + 2) return std::nullopt;
  return point_in(detail.substr(0, open), detail.substr(open + 2, close - open - 2));
}

Result<Compared> compare(const std::filesystem::path& directory, std::vector<ChainPoint> points) {
  std::ranges::sort(points, [](const ChainPoint& a, const ChainPoint& b) {
    return a.seq != b.seq ? a.seq < b.seq : a.hash < b.hash;
  });
  points.erase(std::unique(points.begin(), points.end()), points.end());
  // Before the segments: a server that takes some away meanwhile writes its mark first.
  NAE_ASSIGN(const std::vector<Segment> segments, list_segments(directory));
  NAE_ASSIGN(const auto mark, read_archive_mark(directory));
  const std::uint64_t archived_seq = mark ? mark->point.seq : 0;
  const std::uint64_t first_seq = segments.empty() ? 0 : segments.front().first_seq;
  Compared compared;
  std::span<const ChainPoint> left(points);
  // What was archived and is still there is compared all the same.
  while (!left.empty() && (segments.empty() || left.front().seq < first_seq)) {
    if (left.front().seq <= archived_seq)
      ++compared.archived;
    else
      compared.absent.push_back(left.front().seq);
    left = left.subspan(1);
  }
  // Of what was taken away the mark has the last one.
  if (mark && first_seq > archived_seq)
    for (const ChainPoint& point : points)
      if (point.seq == archived_seq && point.hash != mark->point.hash) {
        --compared.archived;
        compared.others.push_back(mark->point);
      }
  for (std::size_t i = 0; i < segments.size() && !left.empty(); ++i) {
    const bool last = i + 1 == segments.size();
    const auto end =
        last ? left.end()
             : std::ranges::lower_bound(left, segments[i + 1].first_seq, {}, &ChainPoint::seq);
    const auto here = left.first(static_cast<std::size_t>(end - left.begin()));
    if (!here.empty()) NAE_TRY(compare_segment(segments[i], here, compared));
    left = left.subspan(here.size());
  }
  return compared;
}

}  // namespace nae::audit

#include "keyserver/audit/chain_reader.hpp"

#include <algorithm>

#include "keyserver/audit/file.hpp"

namespace nae::audit {
namespace {

tl::unexpected<Error> broken(std::string message) {
  return fail(Code::audit_broken, "audit log: " + std::move(message));
}

}  // namespace

Result<std::vector<Head>> ChainReader::heads(std::string_view public_key_pem) const {
  NAE_ASSIGN(std::optional<Head> newest, read_head(directory_));
  std::vector<Head> found;
  NAE_ASSIGN(std::vector<Segment> segments, list_segments(directory_));
  for (const Segment& segment : segments) {
    NAE_ASSIGN(auto head, read_head_file(directory_ / segment_head_name(segment.first_seq)));
    if (head && head->point.seq > point_.seq) found.push_back(std::move(*head));
  }
  if (!newest && point_.seq != 0) return broken("its signed head is gone");
  if (newest && newest->point.seq < point_.seq)
    return broken("its head signs record " + std::to_string(newest->point.seq) +
                  ", but it was read up to record " + std::to_string(point_.seq));
  if (newest && newest->point.seq > point_.seq &&
      (found.empty() || newest->point.seq > found.back().point.seq))
    found.push_back(std::move(*newest));
  for (const Head& head : found) {
    NAE_ASSIGN(bool good, is_signed_by(head, public_key_pem));
    if (!good) return broken("a head was not signed by its audit key");
  }
  return found;
}

Result<void> ChainReader::read_to(
    const Head& head,
    const std::function<Result<void>(std::string_view line, const Hash&)>& visit) {
  NAE_ASSIGN(std::vector<Segment> segments, list_segments(directory_));
  auto after = std::ranges::upper_bound(segments, std::max<std::uint64_t>(point_.seq, 1), {},
                                        &Segment::first_seq);
  // The one before may have been archived, when all of it was read.
  const bool goes_on = !segments.empty() && segments.front().first_seq == point_.seq + 1;
  if (after == segments.begin() && !goes_on)
    return broken("record " + std::to_string(point_.seq + 1) + " is not here any more");
  Result<void> outcome;
  for (auto segment = after == segments.begin() ? after : std::prev(after);
       segment != segments.end(); ++segment) {
    const bool known = segment->first_seq == segment_;
    const std::uint64_t start = known ? offset_ : 0;
    NAE_TRY(read_lines(
        segment->path,
        [&](const RawLine& raw) {
          auto line = raw.ended ? split_line(raw.text) : std::nullopt;
          auto wrong = [&](const char* what) {
            outcome = broken(segment->path.filename().string() + " offset " +
                             std::to_string(raw.end) + ": " + what);
            return false;
          };
          if (!line) return wrong("not a whole line of an audit log");
          if (line->seq < point_.seq) return true;
          if (line->seq == point_.seq)
            return line->hash == point_.hash ? true : wrong("not the record that was read before");
          if (line->seq != point_.seq + 1 || line_hash(point_.hash, line->hashed) != line->hash)
            return wrong("does not continue the chain");
          if (outcome = visit(raw.text, line->hash); !outcome) return false;
          point_ = {line->seq, line->hash};
          segment_ = segment->first_seq;
          offset_ = raw.end;
          return line->seq < head.point.seq;
        },
        start));
    NAE_TRY(outcome);
    if (point_.seq == head.point.seq) break;
  }
  if (point_ != head.point)
    return broken("it does not lead to record " + std::to_string(head.point.seq) + " as signed");
  return {};
}

}  // namespace nae::audit

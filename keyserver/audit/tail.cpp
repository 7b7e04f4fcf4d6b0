#include "keyserver/audit/tail.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "keyserver/audit/file.hpp"
#include "keyserver/audit/head.hpp"
#include "keyserver/audit/query.hpp"

namespace nae::audit {
namespace {

tl::unexpected<Error> broken_tail(std::string message) {
  return fail(
      Code::audit_broken, "audit log: " + std::move(message),
      "keep the directory as evidence (nae audit verify says more) and bring back the whole "
      "one; if it is lost for good, see nae-keyserver accept-audit-loss");
}

// Texts escape their quotes, so that none can look like this.
bool is_stop(const Line& line) {
  return line.members.find(R"(,"event":"stopped",)") != std::string_view::npos;
}

// The complete lines of one segment, up to a torn one.
struct Walk {
  ChainPoint point;
  std::uint64_t good_bytes = 0;
  std::uint64_t all_bytes = 0;
  std::uint64_t bad_line = 0;  // 0: all verify
  Hash start{};                // what the first record follows
  HashTree tree;
  bool stopped = false;
  std::string newest;                // the last good line
  std::optional<Hash> hash_at_head;  // of the record that the head signs, if it is here
};

bool accept(Walk& walk, const Segment& segment, const RawLine& raw, std::uint64_t head_seq) {
  auto line = split_line(raw.text);
  if (!line) return false;
  if (raw.number == 1) {
    auto previous = previous_of_segment(*line);
    if (!previous || line->seq != segment.first_seq) return false;
    walk.point = {line->seq - 1, *previous};
    walk.start = *previous;
  }
  if (line->seq != walk.point.seq + 1 || line_hash(walk.point.hash, line->hashed) != line->hash)
    return false;
  walk.point = {line->seq, line->hash};
  walk.good_bytes = raw.end;
  walk.tree.add(line->hash);
  walk.stopped = is_stop(*line);
  walk.newest = raw.text;
  if (line->seq == head_seq) walk.hash_at_head = line->hash;
  return true;
}

Result<Walk> walk_segment(const Segment& segment, std::uint64_t head_seq) {
  Walk walk;
  NAE_TRY(read_lines(segment.path, [&](const RawLine& raw) {
    walk.all_bytes = raw.end;
    if (!raw.ended) return false;
    if (!accept(walk, segment, raw, head_seq)) walk.bad_line = raw.number;
    return walk.bad_line == 0;
  }));
  return walk;
}

// A tail that is still in the page cache may not be on the disk, so it goes there now: what this
// call answered must not change after the next power failure.
Result<void> cut_to(const std::filesystem::path& path, std::uint64_t bytes) {
  NAE_ASSIGN(SharedFile file, open_file(path, O_WRONLY));
  if (::ftruncate(file->descriptor(), static_cast<off_t>(bytes)) != 0)
    return system_failure("truncate", path, errno);
  return sync_data(*file, path);
}

// Looks only: nothing is cut before the whole is found sound, a broken log is evidence.
Result<Tail> find_tail(const std::filesystem::path& directory, const std::optional<Head>& head,
                       std::vector<std::filesystem::path>& stillborn) {
  NAE_ASSIGN(std::vector<Segment> segments, list_segments(directory));
  Tail tail;
  for (; !segments.empty(); segments.pop_back()) {
    const Segment& segment = segments.back();
    NAE_ASSIGN(Walk walk, walk_segment(segment, head ? head->point.seq : 0));
    if (walk.bad_line != 0)
      return broken_tail(segment.path.filename().string() + " line " +
                         std::to_string(walk.bad_line) + " does not verify");
    if (walk.hash_at_head && *walk.hash_at_head != head->point.hash)
      return broken_tail("record " + std::to_string(head->point.seq) + " is not the one signed");
    tail.cut_bytes += walk.all_bytes - walk.good_bytes;
    if (walk.good_bytes == 0) {
      stillborn.push_back(segment.path);
      continue;
    }
    tail.point = walk.point;
    tail.segment = segment.path;
    tail.bytes = walk.good_bytes;
    tail.first_seq = segment.first_seq;
    tail.start = walk.start;
    tail.tree = std::move(walk.tree);
    tail.stopped = walk.stopped;
    // What is no record is for others to refuse.
    if (auto newest = parse_record(walk.newest)) tail.newest_at_us = newest->time_us;
    break;
  }
  if (head && head->point.seq > tail.point.seq)
    return broken_tail("it ends at record " + std::to_string(tail.point.seq) +
                       ", but its signed head names record " + std::to_string(head->point.seq));
  return tail;
}

}  // namespace

Result<Tail> take_up_tail(const std::filesystem::path& directory, const TailCheck& check) {
  NAE_ASSIGN(std::optional<Head> head, read_head(directory));
  std::vector<std::filesystem::path> stillborn;
  NAE_ASSIGN(Tail tail, find_tail(directory, head, stillborn));
  NAE_TRY(check(tail));
  for (const auto& path : stillborn)
    if (::unlink(path.c_str()) != 0) return system_failure("remove", path, errno);
  if (!stillborn.empty()) NAE_TRY(sync_directory(directory));
  if (!tail.segment.empty()) NAE_TRY(cut_to(tail.segment, tail.bytes));
  return tail;
}

Result<std::vector<ClosedSegment>> find_unsigned_segments(const std::filesystem::path& directory,
                                                          const Tail& tail) {
  std::vector<ClosedSegment> found;
  if (tail.segment.empty()) return found;
  NAE_ASSIGN(std::optional<Head> head, read_head(directory));
  NAE_ASSIGN(std::vector<Segment> segments, list_segments(directory));
  std::erase_if(segments,
                [&](const Segment& segment) { return segment.first_seq >= tail.first_seq; });
  Hash next_start = tail.start;
  for (auto segment = segments.rbegin(); segment != segments.rend(); ++segment) {
    std::error_code error;
    if (std::filesystem::exists(directory / segment_head_name(segment->first_seq), error)) break;
    NAE_ASSIGN(Walk walk, walk_segment(*segment, head ? head->point.seq : 0));
    bool whole = walk.bad_line == 0 && walk.good_bytes == walk.all_bytes;
    if (!whole || walk.point.hash != next_start)
      return broken_tail(segment->path.filename().string() + " does not verify");
    if (walk.hash_at_head && *walk.hash_at_head != head->point.hash)
      return broken_tail("record " + std::to_string(head->point.seq) + " is not the one signed");
    found.push_back({segment->first_seq, walk.point, walk.tree.root(), walk.good_bytes});
    next_start = walk.start;
  }
  std::ranges::reverse(found);
  return found;
}

Result<std::optional<Hash>> hash_of_record(const std::filesystem::path& directory,
                                           std::uint64_t seq) {
  NAE_ASSIGN(std::vector<Segment> segments, list_segments(directory));
  auto after = std::ranges::upper_bound(segments, seq, {}, &Segment::first_seq);
  std::optional<Hash> found;
  if (after == segments.begin()) return found;
  NAE_TRY(read_lines(std::prev(after)->path, [&](const RawLine& raw) {
    auto line = raw.ended ? split_line(raw.text) : std::nullopt;
    if (line && line->seq == seq) found = line->hash;
    return !found;
  }));
  return found;
}

}  // namespace nae::audit

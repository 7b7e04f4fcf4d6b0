#include "keyserver/audit/archive.hpp"

#include "keyserver/audit/head.hpp"
#include "keyserver/audit/json_member.hpp"
#include "keyserver/audit/query.hpp"
#include "keyserver/audit/replaced_file.hpp"
#include "keyserver/audit/verify.hpp"
#include "libnae/base/text.hpp"
#include "libnae/crypto/public_key.hpp"

namespace nae::audit {
namespace {

constexpr std::size_t kMaxMarkBytes = 4096;

tl::unexpected<Error> malformed_mark() {
  return fail(Code::audit_broken, "not the archive mark of an audit log");
}

// When the segment began, by its first record.
Result<std::int64_t> began_at(const Segment& segment) {
  std::optional<std::int64_t> time_us;
  NAE_TRY(read_lines(segment.path, [&](const RawLine& raw) {
    if (auto record = parse_record(raw.text)) time_us = record->time_us;
    return false;
  }));
  if (time_us) return *time_us;
  return fail(Code::audit_broken,
              segment.path.filename().string() + " does not begin with a record");
}

// What the segment's first record follows.
Result<Hash> followed_by(const Segment& segment) {
  std::optional<Hash> previous;
  NAE_TRY(read_lines(segment.path, [&](const RawLine& raw) {
    if (auto line = split_line(raw.text)) previous = previous_of_segment(*line);
    return false;
  }));
  if (previous) return *previous;
  return fail(Code::audit_broken,
              segment.path.filename().string() + " does not begin as a segment does");
}

// The end of a segment that is proved on its own and goes on from `before`.
Result<VerifyReport> proved(const Segment& segment, const std::optional<ChainPoint>& before,
                            std::string_view public_key_pem) {
  const std::string file = segment.path.filename().string();
  NAE_ASSIGN(VerifyReport report, verify_segment(segment.path, public_key_pem));
  if (!report.intact())
    return fail(Code::audit_broken, file + " does not verify: " + report.findings[0].explanation);
  if (!before) return report;
  NAE_ASSIGN(const Hash previous, followed_by(segment));
  if (report.first.seq != before->seq + 1 || previous != before->hash)
    return fail(Code::audit_broken,
                file + " does not follow record " + std::to_string(before->seq));
  return report;
}

// What the oldest segment has to follow: the mark, or nothing at the beginning of the chain.
// Records that are missing before it must not be called archived afterwards.
Result<std::optional<ChainPoint>> oldest_follows(const std::filesystem::path& directory,
                                                 const Segment& oldest,
                                                 std::string_view public_key_pem) {
  NAE_ASSIGN(const std::optional<ArchiveMark> mark, read_archive_mark(directory));
  if (mark) {
    NAE_ASSIGN(const bool good, is_signed_by(*mark, public_key_pem));
    if (!good) return fail(Code::audit_broken, "the audit key did not sign the archive mark");
  }
  const std::uint64_t archived = mark ? mark->point.seq : 0;
  if (oldest.first_seq > archived + 1)
    return fail(Code::audit_broken, "records " + std::to_string(archived + 1) + " to " +
                                        std::to_string(oldest.first_seq - 1) + " are missing");
  if (oldest.first_seq != archived + 1) return std::nullopt;  // left by a crash
  return mark ? mark->point : ChainPoint{};
}

}  // namespace

std::string canonical_bytes(const ArchiveMark& mark) {
  return "nae-audit-archived/1\n" + std::to_string(mark.point.seq) + "\n" +
         to_hex(mark.point.hash) + "\n" + std::to_string(mark.time_us) + "\n";
}

std::string to_json(const ArchiveMark& mark) {
  return R"({"format":1,"archived_seq":)" + std::to_string(mark.point.seq) + R"(,"hash":")" +
         to_hex(mark.point.hash) + R"(","time_us":)" + std::to_string(mark.time_us) +
         R"(,"signature":")" + to_hex(mark.signature) + "\"}\n";
}

Result<ArchiveMark> parse_archive_mark(std::string_view json) {
  const auto object = object_of(json);
  if (!object) return malformed_mark();
  const auto format = number_member(*object, "format");
  const auto seq = number_member(*object, "archived_seq");
  const auto time_us = number_member(*object, "time_us");
  const auto hash = hash_member(*object, "hash");
  auto signature = hex_member(*object, "signature");
  if (!format || *format != 1 || !seq || *seq < 1 || !time_us || !hash || !signature)
    return malformed_mark();
  return ArchiveMark{{static_cast<std::uint64_t>(*seq), *hash}, *time_us, *std::move(signature)};
}

Result<bool> is_signed_by(const ArchiveMark& mark, std::string_view public_key_pem) {
  return is_audit_signature(canonical_bytes(mark), mark.signature, public_key_pem);
}

Result<std::optional<ArchiveMark>> read_archive_mark(const std::filesystem::path& directory) {
  const std::filesystem::path file = directory / kArchiveFile;
  std::error_code error;
  if (!std::filesystem::exists(file, error) && !error) return std::nullopt;
  NAE_ASSIGN(std::string json, read_small_file(file, kMaxMarkBytes));
  NAE_ASSIGN(ArchiveMark mark, parse_archive_mark(json));
  return mark;
}

Result<void> write_archive_mark(const std::filesystem::path& directory, const ArchiveMark& mark) {
  return replace_file(directory / kArchiveFile, to_json(mark));
}

Result<Prunable> prunable(const std::filesystem::path& directory, std::int64_t before_us,
                          std::string_view public_key_pem) {
  NAE_ASSIGN(std::vector<Segment> segments, list_segments(directory));
  Prunable found;
  std::optional<ChainPoint> before;
  if (!segments.empty()) {
    NAE_ASSIGN(before, oldest_follows(directory, segments.front(), public_key_pem));
  }
  for (std::size_t i = 0; i + 2 < segments.size(); ++i) {
    NAE_ASSIGN(const std::int64_t next_began_us, began_at(segments[i + 1]));
    if (next_began_us > before_us) break;
    NAE_ASSIGN(const VerifyReport report, proved(segments[i], before, public_key_pem));
    before = found.end = report.last;
    found.records += report.records;
    found.segments.push_back(segments[i]);
  }
  if (found.segments.empty())
    return fail(Code::not_found, "no closed segment ends before that time",
                "The newest closed segment always stays.");
  NAE_ASSIGN(const Hash previous, followed_by(segments[found.segments.size()]));
  if (previous != found.end.hash)
    return fail(Code::audit_broken, "the segment that would stay does not follow record " +
                                        std::to_string(found.end.seq));
  return found;
}

Result<std::uint64_t> remove_archived(const std::filesystem::path& directory,
                                      const ArchiveMark& mark) {
  NAE_ASSIGN(std::vector<Segment> segments, list_segments(directory));
  std::uint64_t removed = 0;
  for (std::size_t i = 0; i + 1 < segments.size(); ++i) {
    if (segments[i + 1].first_seq > mark.point.seq + 1) break;
    std::error_code error;
    std::filesystem::remove(segments[i].path, error);
    if (error) return system_failure("remove", segments[i].path, error.value());
    const std::filesystem::path head = directory / segment_head_name(segments[i].first_seq);
    std::filesystem::remove(head, error);
    if (error) return system_failure("remove", head, error.value());
    ++removed;
  }
  NAE_TRY(sync_directory(directory));
  return removed;
}

}  // namespace nae::audit

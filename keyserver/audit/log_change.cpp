// What another hand did to the log: noticed before the next record goes there, before a head is
// signed, and at start.
#include "keyserver/audit/file_log.hpp"

namespace nae::audit {
namespace {

constexpr const char* kWayOn =
    "bring back the whole directory as it was; if records are lost for good, nae-keyserver "
    "accept-audit-loss begins a new chain that says so";

}  // namespace

// Whoever rotates the file by copy and truncation, cuts it or writes to it: the next record would
// stand in a log that lacks others.
Result<void> FileLog::check_segment() {
  auto unchanged = writer_.check_unchanged();
  if (unchanged) return {};
  doubt();
  return fail(Code::audit_unavailable, unchanged.error().message, kWayOn);
}

void FileLog::doubt() {
  doubtful_ = true;
  to_keep_ = options_.head_keeper != nullptr;
  keep_acknowledged();
}

// Were the store not told, records newer than the signed head could be cut unnoticed by a restart.
void FileLog::keep_acknowledged() {
  if (to_keep_ && options_.head_keeper->keep_head(acknowledged_)) to_keep_ = false;
}

void FileLog::acknowledge(const ChainPoint& point) {
  if (point.seq <= acknowledged_.seq) return;
  const auto records = static_cast<std::ptrdiff_t>(point.seq - acknowledged_.seq);
  unacknowledged_.erase(unacknowledged_.begin(), unacknowledged_.begin() + records);
  acknowledged_ = point;
}

// The log must end with a record that this server wrote, and none that was answered may be missing.
Result<void> FileLog::check_continued(const Tail& tail) const {
  const std::uint64_t seq = tail.point.seq;
  if (seq < acknowledged_.seq)
    return fail(Code::audit_unavailable,
                "audit log: it ends at record " + std::to_string(seq) + ", but records up to " +
                    std::to_string(acknowledged_.seq) + " were written",
                kWayOn);
  if (seq > point_.seq)
    return fail(Code::audit_unavailable,
                "audit log: it goes on behind record " + std::to_string(point_.seq) +
                    ", the last that was written",
                kWayOn);
  const Hash& written =
      seq == acknowledged_.seq ? acknowledged_.hash : unacknowledged_[seq - acknowledged_.seq - 1];
  if (tail.point.hash != written)
    return fail(Code::audit_unavailable,
                "audit log: record " + std::to_string(seq) + " is not the one that was written",
                kWayOn);
  return {};
}

Result<void> FileLog::check_start(const Tail& tail) const {
  NAE_ASSIGN(std::optional<Head> head, read_head(options_.directory));
  if (head && !options_.public_key_pem.empty()) {
    NAE_ASSIGN(bool good, is_signed_by(*head, options_.public_key_pem));
    if (!good) return not_signed_head();
  }
  NAE_TRY(check_kept(tail));
  return options_.check_start ? options_.check_start() : Result<void>{};
}

// A directory that was emptied, or brought back from an old copy, is sound in itself.
Result<void> FileLog::check_kept(const Tail& tail) const {
  if (!options_.head_keeper) return {};
  NAE_ASSIGN(std::optional<ChainPoint> kept, options_.head_keeper->kept_head());
  if (!kept) return {};
  if (kept->seq > tail.point.seq)
    return fail(Code::audit_broken,
                "audit log: it ends at record " + std::to_string(tail.point.seq) +
                    ", but the store knows that record " + std::to_string(kept->seq) +
                    " was written",
                kWayOn);
  NAE_ASSIGN(std::optional<Hash> hash, hash_of_record(options_.directory, kept->seq));
  if (!hash || *hash != kept->hash)
    return fail(Code::audit_broken,
                "audit log: record " + std::to_string(kept->seq) +
                    " is not the one that the store knows was written",
                kWayOn);
  return {};
}

// What was cut or added to since it was closed gets no head.
Result<void> FileLog::check_closed(const ClosedSegment& closed) const {
  const std::filesystem::path path = options_.directory / segment_name(closed.first_seq);
  std::error_code error;
  const std::uintmax_t found = std::filesystem::file_size(path, error);
  if (!error && found == closed.bytes) return {};
  return fail(Code::audit_broken,
              "audit log: " + path.filename().string() +
                  " was changed after it was closed, so that its end is not signed",
              kWayOn);
}

}  // namespace nae::audit

#include "keyserver/audit/log.hpp"

#include <fcntl.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

#include "keyserver/audit/directory_lock.hpp"
#include "keyserver/audit/head.hpp"
#include "keyserver/audit/segment_writer.hpp"

namespace nae::audit {
namespace {

std::int64_t system_clock_us() {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

// One lock over chain and segment. Waiting for the disk happens outside it: the first thread that
// finds no sync running does one for everybody whose records were written by then.
class FileLog final : public Log {
 public:
  FileLog(LogOptions options, SharedFile directory_lock)
      : options_(std::move(options)),
        directory_lock_(std::move(directory_lock)),
        writer_(options_.directory, options_.segment_bytes) {}
  ~FileLog() override { static_cast<void>(sign_head()); }

  Result<void> start();

  Result<void> append(const Batch& batch) override;
  Result<void> sign_head() override;
  LogHealth health() const override;

 private:
  using Lock = std::unique_lock<std::mutex>;

  Result<void> append_durably(Lock& lock, const Batch& batch);
  Result<void> write(const Batch& batch);
  Result<void> take_up_again();
  Result<void> wait_until_durable(Lock& lock, std::uint64_t seq);
  void note_failure(const Error& error, std::size_t records);
  void note_success();
  void note_event(std::string_view event, std::string_view detail);
  std::string describe_outage() const;

  const LogOptions options_;
  const SharedFile directory_lock_;
  std::mutex head_mutex_;  // one sign_head() at a time; taken before mutex_

  mutable std::mutex mutex_;  // guards everything below
  std::condition_variable synced_;
  SegmentWriter writer_;
  ChainPoint point_;
  Batch events_;           // of the log itself, written before the next records
  std::string lines_;      // reused between calls
  bool doubtful_ = false;  // the disk may hold something else than was written: read it again
  // Group commit. A failed sync begins a new generation: who waited in the old one has failed.
  bool syncing_ = false;
  std::uint64_t generation_ = 0;
  std::uint64_t durable_seq_ = 0;
  std::uint64_t acknowledged_seq_ = 0;
  // The current outage.
  std::int64_t failing_since_us_ = 0;
  std::uint64_t refused_in_outage_ = 0;
  std::uint64_t lost_in_outage_ = 0;
  LogHealth health_;
};

Result<void> FileLog::start() {
  NAE_ASSIGN(Tail tail, take_up_tail(options_.directory));
  NAE_TRY(writer_.take_up(tail));
  point_ = tail.point;
  durable_seq_ = acknowledged_seq_ = point_.seq;
  NAE_ASSIGN(std::optional<Head> head, read_head(options_.directory));
  if (head) health_.head_seq = head->point.seq;
  if (tail.cut_bytes != 0)
    note_event("recovered", "cut off " + std::to_string(tail.cut_bytes) +
                                " bytes of a record that a crash left unfinished");
  // A directory that cannot be written shows now, not at the first request.
  if (tail.segment.empty() || !events_.empty()) NAE_TRY(write({}));
  health_.last_seq = acknowledged_seq_ = point_.seq;
  return {};
}

Result<void> FileLog::append(const Batch& batch) {
  if (batch.empty()) return {};
  Lock lock(mutex_);
  auto done = append_durably(lock, batch);
  if (done) return {};
  note_failure(done.error(), batch.size());
  if (options_.on_failure == OnFailure::alarm_and_continue) return {};
  return done;
}

Result<void> FileLog::append_durably(Lock& lock, const Batch& batch) {
  if (doubtful_) NAE_TRY(take_up_again());
  NAE_TRY(write(batch));
  std::uint64_t seq = point_.seq;
  if (options_.durability == Durability::fsync) NAE_TRY(wait_until_durable(lock, seq));
  acknowledged_seq_ = std::max(acknowledged_seq_, seq);
  return {};
}

// Chain and writer move together or not at all.
Result<void> FileLog::write(const Batch& batch) {
  Batch outage;
  if (!health_.writable) outage.add(EventRecord{options_.now_us(), "resumed", describe_outage()});
  lines_.clear();
  ChainPoint point = point_;
  bool new_segment = writer_.wants_new_segment();
  if (new_segment) append_line(lines_, point, segment_members(options_.now_us(), point_.hash));
  for (const Batch* part : {&std::as_const(events_), &std::as_const(outage), &batch})
    for (std::size_t i = 0; i < part->size(); ++i) append_line(lines_, point, (*part)[i]);
  auto written =
      new_segment ? writer_.begin_segment(point_.seq + 1, lines_) : writer_.append(lines_);
  NAE_TRY(std::move(written));
  events_.clear();
  point_ = point;
  note_success();
  return {};
}

// After a failed sync nobody knows what the disk holds, and the kernel may show from memory what
// never got there. So the end of the log is read again, from the disk.
Result<void> FileLog::take_up_again() {
  for (const SharedFile& file : writer_.not_durable())
    static_cast<void>(::posix_fadvise(file->descriptor(), 0, 0, POSIX_FADV_DONTNEED));
  auto found = take_up_tail(options_.directory);
  if (!found) return fail(Code::audit_unavailable, found.error().message, found.error().hint);
  const Tail& tail = *found;
  if (tail.point.seq < acknowledged_seq_)
    return fail(Code::audit_unavailable,
                "audit log: it ends at record " + std::to_string(tail.point.seq) +
                    ", but records up to " + std::to_string(acknowledged_seq_) + " were written",
                "restore the missing segment, or keep the directory as evidence and start with an "
                "empty one");
  NAE_TRY(writer_.take_up(tail));
  if (tail.point.seq != point_.seq)
    note_event("recovered", "records " + std::to_string(tail.point.seq + 1) + " to " +
                                std::to_string(point_.seq) +
                                " did not reach the disk; their requests were refused");
  point_ = tail.point;
  durable_seq_ = tail.point.seq;
  ++generation_;
  doubtful_ = false;
  return {};
}

Result<void> FileLog::wait_until_durable(Lock& lock, std::uint64_t seq) {
  const std::uint64_t generation = generation_;
  while (true) {
    if (generation != generation_)
      return fail(Code::audit_unavailable, "audit log: a record did not reach the disk");
    if (durable_seq_ >= seq) return {};
    if (syncing_) {
      synced_.wait(lock);
      continue;
    }
    syncing_ = true;
    std::vector<SharedFile> files = writer_.not_durable();
    std::uint64_t written_seq = point_.seq;
    lock.unlock();
    Result<void> outcome;
    for (const SharedFile& file : files)
      if (outcome) outcome = sync_data(*file, options_.directory);
    lock.lock();
    syncing_ = false;
    synced_.notify_all();
    if (generation != generation_) continue;
    if (!outcome) {
      ++generation_;
      doubtful_ = true;
      note_failure(outcome.error(), 0);
      return outcome;
    }
    durable_seq_ = written_seq;
    writer_.forget_durable(files);
  }
}

Result<void> FileLog::sign_head() {
  std::lock_guard one_at_a_time(head_mutex_);
  Lock lock(mutex_);
  if (!doubtful_ && !writer_.still_in_place()) {
    doubtful_ = true;
    note_failure(
        Error(Code::audit_unavailable, "audit log: the newest segment was deleted or moved"), 0);
  }
  // While the log is refused no request may come that would find it well again.
  if (!health_.writable) {
    Result<void> recovered;
    if (doubtful_) recovered = take_up_again();
    if (recovered) recovered = write({});
    if (!recovered) {
      note_failure(recovered.error(), 0);
      return recovered;
    }
  }
  if (!options_.sign || point_.seq == health_.head_seq) return {};
  Head head;
  head.point = point_;
  // A head must never name a record that a power failure can take back: the next start would
  // rightly call the log cut.
  NAE_TRY(wait_until_durable(lock, head.point.seq));
  lock.unlock();
  head.time_us = options_.now_us();
  NAE_ASSIGN(head.signature, options_.sign(as_bytes(canonical_bytes(head))));
  NAE_TRY(write_head(options_.directory, head));
  lock.lock();
  health_.head_seq = head.point.seq;
  return {};
}

LogHealth FileLog::health() const {
  std::lock_guard lock(mutex_);
  LogHealth health = health_;
  health.last_seq = point_.seq;
  return health;
}

void FileLog::note_failure(const Error& error, std::size_t records) {
  if (health_.writable) {
    failing_since_us_ = options_.now_us();
    refused_in_outage_ = lost_in_outage_ = 0;
  }
  health_.writable = false;
  health_.problem = error.message;
  bool refused = options_.on_failure == OnFailure::refuse;
  (refused ? health_.refused_records : health_.lost_records) += records;
  (refused ? refused_in_outage_ : lost_in_outage_) += records;
}

void FileLog::note_success() {
  health_.writable = true;
  health_.problem.clear();
}

void FileLog::note_event(std::string_view event, std::string_view detail) {
  events_.add(EventRecord{options_.now_us(), event, detail});
}

std::string FileLog::describe_outage() const {
  std::string since;
  append_time(since, failing_since_us_);
  return "not writable since " + since + " (" + health_.problem + "); " +
         std::to_string(refused_in_outage_) + " records refused with their requests, " +
         std::to_string(lost_in_outage_) + " lost";
}

}  // namespace

Result<std::unique_ptr<Log>> Log::open(LogOptions options) {
  if (!options.now_us) options.now_us = system_clock_us;
  NAE_ASSIGN(SharedFile directory_lock, lock_directory(options.directory));
  auto log = std::make_unique<FileLog>(std::move(options), std::move(directory_lock));
  NAE_TRY(log->start());
  return log;
}

}  // namespace nae::audit

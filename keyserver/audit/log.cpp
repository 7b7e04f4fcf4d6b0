#include <fcntl.h>

#include <cerrno>
#include <optional>
#include <utility>

#include "keyserver/audit/directory_lock.hpp"
#include "keyserver/audit/file_log.hpp"
#include "keyserver/audit/known_store.hpp"
#include "libnae/base/clock.hpp"

namespace nae::audit {
namespace {

constexpr std::size_t kMostHashesBehind = 1 << 16;  // 2 MiB
constexpr std::uint64_t kReserveShare = 16;         // of the disk at most
constexpr std::uint64_t kUnlookedBytes = 4u << 20;

}  // namespace

Result<void> FileLog::start() {
  NAE_ASSIGN(Tail tail, take_up_tail(options_.directory,
                                     [&](const Tail& found) { return check_start(found); }));
  if (options_.sign) {
    NAE_ASSIGN(closed_, find_unsigned_segments(options_.directory, tail));
  }
  NAE_TRY(writer_.take_up(tail));
  const bool empty = tail.segment.empty();
  const std::uint64_t cut_bytes = tail.cut_bytes;
  health_.interrupted = !empty && !tail.stopped;
  health_.newest_at_us = tail.newest_at_us;
  take_over(std::move(tail));
  acknowledged_ = point_;
  NAE_ASSIGN(std::optional<Head> head, read_head(options_.directory));
  if (head) health_.head_seq = head->point.seq;
  if (cut_bytes != 0)
    note_event("recovered", "cut off " + std::to_string(cut_bytes) +
                                " bytes of a record that a crash left unfinished");
  // A directory that cannot be written shows now, not at the first request.
  if (empty || !events_.empty()) NAE_TRY(write({}));
  acknowledge(point_);
  health_.last_seq = point_.seq;
  // From its first record on: where a head is missing later, a hand took it.
  if (!head) NAE_TRY(sign_head());
  started_ = true;
  return {};
}

void FileLog::take_over(Tail tail) {
  point_ = tail.point;
  durable_seq_ = tail.point.seq;
  first_seq_ = tail.first_seq;
  hashes_.clear();
  std::lock_guard tree_lock(tree_mutex_);
  tree_ = std::move(tail.tree);
}

Result<void> FileLog::append(const Batch& batch) {
  if (batch.empty()) return {};
  note_store();
  return append_any(batch);
}

// Before the record of what changed it: whoever takes the head away and leaves the records leaves
// this. Requests of programs change nothing of the store.
void FileLog::note_store() {
  if (!options_.store_point) return;
  const StorePoint now = options_.store_point();
  std::lock_guard lock(mutex_);
  if (now.epoch == 0 || now == noted_store_) return;
  noted_store_ = now;
  note_event(kStoreEvent, store_detail(now));
}

Result<void> FileLog::append_any(const Batch& batch) {
  Lock lock(mutex_);
  auto done = append_durably(lock, batch);
  if (!done) note_failure(done.error());
  return answer(std::move(done), batch.size());
}

// Whoever may ask must not be able to fill the disk up to where no administrator can stop him: what
// cannot be recorded is not done.
Result<void> FileLog::append_requests(const Batch& batch) {
  {
    Lock lock(mutex_);
    // What is only counted so far has to find a place soon.
    if (batch.empty() && !health_.writable)
      return answer(fail(Code::audit_unavailable, health_.problem), 0);
    if (unlooked_bytes_ >= kUnlookedBytes) look_at_disk(options_.disk());
    if (only_reserve_left_) {
      unrecorded_ += batch.size();
      return answer(fail(Code::audit_unavailable, state_problem_), batch.size());
    }
  }
  return batch.empty() ? Result<void>() : append_any(batch);
}

Result<void> FileLog::answer(Result<void> done, std::size_t records) {
  if (done) return done;
  count_unwritten(records);
  if (options_.on_failure == OnFailure::alarm_and_continue) return {};
  return done;
}

void FileLog::look_at_disk(const Result<DiskSpace>& disk) {
  unlooked_bytes_ = 0;
  state_problem_ = disk ? std::string() : disk.error().message;
  const std::uint64_t reserve =
      disk ? std::min(options_.reserve_bytes, disk->all / kReserveShare) : 0;
  const bool before = std::exchange(only_reserve_left_, disk && disk->free < reserve);
  if (before && !only_reserve_left_)
    note_event("resumed", "there is room again; " + std::to_string(std::exchange(unrecorded_, 0)) +
                              " requests had no record meanwhile");
  if (!only_reserve_left_) return;
  state_problem_ = "audit log: the disk of " + options_.directory.string() + " has " +
                   std::to_string(disk->free >> 10) + " KiB left, and " +
                   std::to_string(reserve >> 10) +
                   " KiB are kept for administrators: make room, for requests are refused";
  if (before) return;
  note_event("disk-reserve", state_problem_);
  if (options_.alarm) options_.alarm();
}

Result<void> FileLog::append_durably(Lock& lock, const Batch& batch) {
  if (doubtful_) NAE_TRY(take_up_again());
  NAE_TRY(write(batch));
  const ChainPoint written = point_;
  if (options_.durability == Durability::fsync) NAE_TRY(wait_until_durable(lock, written.seq));
  acknowledge(written);
  return {};
}

// Chain and writer move together or not at all.
Result<void> FileLog::write(const Batch& batch) {
  NAE_TRY(check_segment());
  Batch outage;
  if (!health_.writable) outage.add(EventRecord{options_.now_us(), "resumed", describe_outage()});
  lines_.clear();
  ChainPoint point = point_;
  written_.clear();
  auto add_line = [&](std::string_view members) {
    append_line(lines_, point, members);
    written_.push_back(point.hash);
  };
  bool new_segment = writer_.wants_new_segment();
  if (new_segment) add_line(segment_members(options_.now_us(), point_.hash));
  for (const Batch* part : {&std::as_const(events_), &std::as_const(outage), &batch})
    for (std::size_t i = 0; i < part->size(); ++i) add_line((*part)[i]);
  const std::uint64_t closed_bytes = writer_.bytes();
  auto written =
      new_segment ? writer_.begin_segment(point_.seq + 1, lines_) : writer_.append(lines_);
  NAE_TRY(std::move(written));
  events_.clear();
  unlooked_bytes_ += lines_.size();
  if (new_segment) close_segment(closed_bytes);
  point_ = point;
  hashes_.insert(hashes_.end(), written_.begin(), written_.end());
  unacknowledged_.insert(unacknowledged_.end(), written_.begin(), written_.end());
  if (options_.durability == Durability::write) acknowledge(point_);
  if (hashes_.size() >= kMostHashesBehind) fold_hashes();
  note_success();
  if (options_.head_records != 0 && !head_asked_for_ && options_.head_due &&
      point_.seq >= health_.head_seq + options_.head_records) {
    head_asked_for_ = true;
    options_.head_due();
  }
  return {};
}

// After a failed sync nobody knows what the disk holds, and the kernel may show from memory what
// never got there. So the end of the log is read again, from the disk.
Result<void> FileLog::take_up_again() {
  for (const SharedFile& file : writer_.not_durable())
    static_cast<void>(::posix_fadvise(file->descriptor(), 0, 0, POSIX_FADV_DONTNEED));
  auto found =
      take_up_tail(options_.directory, [&](const Tail& tail) { return check_continued(tail); });
  if (!found) return fail(Code::audit_unavailable, found.error().message, found.error().hint);
  const Tail& tail = *found;
  NAE_TRY(writer_.take_up(tail));
  if (tail.point.seq != point_.seq)
    note_event("recovered", "records " + std::to_string(tail.point.seq + 1) + " to " +
                                std::to_string(point_.seq) +
                                " did not reach the disk; their requests were refused");
  else if (tail.cut_bytes != 0)
    note_event("recovered", "cut off " + std::to_string(tail.cut_bytes) +
                                " bytes behind the last record, which were no record");
  std::erase_if(closed_, [&](const ClosedSegment& closed) {
    return closed.first_seq >= tail.first_seq;  // written on after all
  });
  unacknowledged_.resize(tail.point.seq - acknowledged_.seq);
  noted_store_ = {};  // the record that said so may be one of those
  take_over(std::move(*found));
  ++generation_;
  doubtful_ = to_keep_ = false;
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
      note_failure(outcome.error());
      return outcome;
    }
    durable_seq_ = written_seq;
    writer_.forget_durable(files);
  }
}

Result<void> FileLog::watch() {
  const auto disk = options_.disk();
  Result<void> state = disk ? Result<void>{} : tl::unexpected(disk.error());
  Lock lock(mutex_);
  look_at_disk(disk);
  if (!doubtful_)
    if (auto unchanged = check_segment(); !unchanged) note_failure(unchanged.error());
  keep_acknowledged();
  if (health_.writable && !events_.empty())
    if (auto written = write({}); !written) note_failure(written.error());
  // While the log is refused no request may come that would find it well again.
  if (!health_.writable) {
    Result<void> recovered = state;
    if (recovered && doubtful_) recovered = take_up_again();
    if (recovered) recovered = write({});
    if (!recovered) {
      note_failure(recovered.error());
      return recovered;
    }
  }
  return state;
}

LogHealth FileLog::health() const {
  std::lock_guard lock(mutex_);
  LogHealth health = health_;
  health.last_seq = point_.seq;
  if (health.writable && !state_problem_.empty()) {
    health.writable = false;
    health.problem = state_problem_;
  }
  return health;
}

void FileLog::note_failure(const Error& error) {
  const bool begins = health_.writable;
  if (begins) {
    failing_since_us_ = options_.now_us();
    outage_cause_ = error.message;
    refused_in_outage_ = lost_in_outage_ = 0;
    ++health_.outages;
  }
  health_.writable = false;
  // What began it is what an operator has to know; what the latest attempt met comes after.
  health_.problem = outage_cause_;
  if (error.message != outage_cause_) health_.problem += ": " + error.message;
  if (!error.hint.empty()) health_.problem += "; " + error.hint;
  if (begins && options_.alarm) options_.alarm();
}

void FileLog::count_unwritten(std::size_t records) {
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
  return "not writable since " + since + " (" + outage_cause_ + "); " +
         std::to_string(refused_in_outage_) + " records refused with their requests, " +
         std::to_string(lost_in_outage_) + " lost";
}

Result<std::unique_ptr<Log>> Log::open(LogOptions options) {
  if (!options.now_us) options.now_us = unix_time_us;
  if (!options.disk)
    options.disk = [directory = options.directory] { return check_directory(directory); };
  NAE_ASSIGN(SharedFile directory_lock, lock_directory(options.directory));
  auto log = std::make_unique<FileLog>(std::move(options), std::move(directory_lock));
  NAE_TRY(log->start());
  return log;
}

}  // namespace nae::audit

// The log in a directory: what log.cpp (records) and log_heads.cpp (heads) have in common.
#pragma once

#include <condition_variable>
#include <mutex>
#include <vector>

#include "keyserver/audit/file.hpp"
#include "keyserver/audit/head.hpp"
#include "keyserver/audit/log.hpp"
#include "keyserver/audit/segment_writer.hpp"
#include "keyserver/audit/tail.hpp"

namespace nae::audit {

// One lock over chain and segment. Waiting for the disk happens outside it: the first thread that
// finds no sync running does one for everybody whose records were written by then.
class FileLog final : public Log {
 public:
  FileLog(LogOptions options, SharedFile directory_lock)
      : options_(std::move(options)),
        directory_lock_(std::move(directory_lock)),
        writer_(options_.directory, options_.segment_bytes) {}
  ~FileLog() override {
    if (!started_) return;  // what was refused is evidence, and no head may say that it was taken
    options_.keep_interval_us = 0;
    static_cast<void>(sign_head());
  }

  Result<void> start();

  Result<void> append(const Batch& batch) override;
  Result<void> append_requests(const Batch& batch) override;
  Result<void> sign_head() override;
  Result<void> watch() override;
  LogHealth health() const override;

 private:
  using Lock = std::unique_lock<std::mutex>;

  Result<void> append_any(const Batch& batch);
  void note_store();
  Result<void> answer(Result<void> done, std::size_t records);
  void look_at_disk(const Result<DiskSpace>& disk);
  Result<void> append_durably(Lock& lock, const Batch& batch);
  Result<void> write(const Batch& batch);
  void close_segment(std::uint64_t bytes);
  void fold_hashes();
  Result<void> take_up_again();
  void take_over(Tail tail);
  Result<void> check_start(const Tail& tail) const;
  Result<void> check_kept(const Tail& tail) const;
  Result<void> check_continued(const Tail& tail) const;
  Result<void> check_segment();
  void doubt();
  void keep_acknowledged();
  void acknowledge(const ChainPoint& point);
  Result<void> sign_closed_segments();
  Result<void> check_closed(const ClosedSegment& closed) const;
  Result<void> sign_newest();
  Result<Bytes> sign(const Head& head) const;
  Result<void> keep_head();
  Result<void> wait_until_durable(Lock& lock, std::uint64_t seq);
  void note_failure(const Error& error);
  void count_unwritten(std::size_t records);
  void note_success();
  void note_event(std::string_view event, std::string_view detail);
  std::string describe_outage() const;

  LogOptions options_;
  const SharedFile directory_lock_;
  bool started_ = false;
  std::mutex head_mutex_;   // one sign_head() at a time; taken before mutex_
  ChainPoint newest_head_;  // this and the next two under head_mutex_
  std::uint64_t kept_seq_ = 0;
  std::int64_t kept_at_us_ = 0;

  // The tree over the current segment, behind by hashes_: a second's worth is hashed by who signs,
  // not by who appends. Taken after mutex_.
  std::mutex tree_mutex_;
  HashTree tree_;

  mutable std::mutex mutex_;  // guards everything below
  std::condition_variable synced_;
  SegmentWriter writer_;
  ChainPoint point_;
  std::uint64_t first_seq_ = 0;        // of the current segment; 0: there is none
  std::vector<Hash> hashes_;           // of its records, not yet in tree_
  std::vector<Hash> written_;          // of the lines being written; reused between calls
  std::vector<ClosedSegment> closed_;  // whose ends are not signed yet
  bool head_asked_for_ = false;
  std::string state_problem_;  // what watch() found, though nothing failed yet
  bool only_reserve_left_ = false;
  std::uint64_t unrecorded_ = 0;      // requests that the reserve had no room for
  std::uint64_t unlooked_bytes_ = 0;  // written since the disk was looked at
  Batch events_;                      // of the log itself, written before the next records
  StorePoint noted_store_;            // which the newest record of it names
  std::string lines_;                 // reused between calls
  bool doubtful_ = false;  // the disk may hold something else than was written: read it again
  bool to_keep_ = false;   // the keeper does not know yet how far the changed log had come
  // Group commit. A failed sync begins a new generation: who waited in the old one has failed.
  bool syncing_ = false;
  std::uint64_t generation_ = 0;
  std::uint64_t durable_seq_ = 0;
  ChainPoint acknowledged_;           // up to here answers may have left
  std::vector<Hash> unacknowledged_;  // of the records after it
  // The current outage.
  std::int64_t failing_since_us_ = 0;
  std::string outage_cause_;
  std::uint64_t refused_in_outage_ = 0;
  std::uint64_t lost_in_outage_ = 0;
  LogHealth health_;
};

}  // namespace nae::audit

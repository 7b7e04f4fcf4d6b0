// Signed heads: of the newest record, of the ends of segments, and what the keeper knows of them.
#include <utility>

#include "keyserver/audit/file_log.hpp"

namespace nae::audit {

// The next record is the first of a new segment.
void FileLog::close_segment(std::uint64_t bytes) {
  fold_hashes();
  std::lock_guard tree_lock(tree_mutex_);
  if (first_seq_ != 0 && options_.sign)
    closed_.push_back({first_seq_, point_, tree_.root(), bytes});
  first_seq_ = point_.seq + 1;
  tree_ = {};
}

void FileLog::fold_hashes() {
  std::lock_guard tree_lock(tree_mutex_);
  for (const Hash& hash : hashes_) tree_.add(hash);
  hashes_.clear();
}

Result<void> FileLog::sign_head() {
  std::lock_guard one_at_a_time(head_mutex_);
  NAE_TRY(watch());
  if (!options_.sign) return {};
  NAE_TRY(sign_closed_segments());
  return sign_newest();
}

Result<void> FileLog::sign_closed_segments() {
  Lock lock(mutex_);
  while (!closed_.empty()) {
    const ClosedSegment closed = closed_.front();
    NAE_TRY(check_closed(closed));
    NAE_TRY(wait_until_durable(lock, closed.end.seq));
    lock.unlock();
    Head head{closed.end, closed.first_seq, closed.root, options_.now_us(), {}, {}};
    if (options_.store_point) head.store = options_.store_point();
    NAE_ASSIGN(head.signature, sign(head));
    NAE_TRY(write_head_file(options_.directory / segment_head_name(closed.first_seq), head));
    lock.lock();
    std::erase_if(closed_,
                  [&](const ClosedSegment& other) { return other.first_seq == closed.first_seq; });
  }
  return {};
}

Result<void> FileLog::sign_newest() {
  Lock lock(mutex_);
  head_asked_for_ = false;
  if (point_.seq == health_.head_seq) {
    lock.unlock();
    return keep_head();
  }
  const std::uint64_t generation = generation_;
  Head head;
  head.point = point_;
  head.first_seq = first_seq_;
  std::vector<Hash> hashes = std::exchange(hashes_, {});
  {
    std::unique_lock tree_lock(tree_mutex_);
    lock.unlock();
    for (const Hash& hash : hashes) tree_.add(hash);
    head.root = tree_.root();
  }
  lock.lock();
  if (generation != generation_)
    return fail(Code::audit_unavailable, "audit log: it was taken up again meanwhile");
  // A head must never name a record that a power failure can take back: the next start would
  // rightly call the log cut.
  NAE_TRY(wait_until_durable(lock, head.point.seq));
  if (auto unchanged = check_segment(); !unchanged) {
    note_failure(unchanged.error());
    return unchanged;
  }
  lock.unlock();
  head.time_us = options_.now_us();
  // Not before the records: what they say was done is in the store by then.
  if (options_.store_point) head.store = options_.store_point();
  NAE_ASSIGN(head.signature, sign(head));
  NAE_TRY(write_head(options_.directory, head));
  lock.lock();
  health_.head_seq = head.point.seq;
  lock.unlock();
  newest_head_ = head.point;
  return keep_head();
}

Result<Bytes> FileLog::sign(const Head& head) const {
  return options_.sign(as_bytes(canonical_bytes(head)));
}

Result<void> FileLog::keep_head() {
  const std::int64_t now_us = options_.now_us();
  if (!options_.head_keeper || newest_head_.seq == kept_seq_ ||
      // A clock that was set back keeps nothing off.
      (now_us >= kept_at_us_ && now_us < kept_at_us_ + options_.keep_interval_us))
    return {};
  NAE_TRY(options_.head_keeper->keep_head(newest_head_));
  kept_seq_ = newest_head_.seq;
  kept_at_us_ = now_us;
  return {};
}

}  // namespace nae::audit

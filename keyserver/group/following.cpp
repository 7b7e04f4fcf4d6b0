#include "keyserver/group/following.hpp"

#include <algorithm>

namespace nae::group {
namespace {

// A change waits for the next beat: once a second, and well within a lease.
constexpr int kBeatsALease = 15;
constexpr std::chrono::milliseconds kLongestPause{1'000}, kAfterFailure{200};
// Before anybody is answered: changes may come faster than they are read.
constexpr int kMostSteps = 100;

}  // namespace

Following::Following(std::unique_ptr<store::FollowerRow> row, const store::LedgerPoint& applied,
                     FollowingOptions options)
    : options_(std::move(options)), row_(std::move(row)), applied_(applied) {}

void Following::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::string Following::in_charge() const {
  std::lock_guard lock(mutex_);
  return in_charge_;
}

Result<Following::Step> Following::step() {
  using Outcome = store::Followed::Outcome;
  const auto sent = BootClock::now();
  NAE_ASSIGN(const store::Followed followed, row_->follow(applied_, options_.watch->known()));
  ended_ = true;
  switch (followed.outcome) {
    case Outcome::taken:
      return fail(Code::server_unavailable, "another run has the name of this key server");
    case Outcome::fenced:
      return fail(Code::server_unavailable, "this key server was fenced");
    case Outcome::lost:
      return fail(went_back(applied_, false).value());
    case Outcome::behind: {
      auto applied = options_.apply();
      ended_ = !applied && (applied.error().code == Code::store_corrupt ||
                            applied.error().code == Code::store_rolled_back);
      NAE_TRY(applied);
      applied_ = *applied;
      return Step::applied;
    }
    case Outcome::mine:
      break;
  }
  // The row may have stood for a whole lease, and a change not have waited for it.
  const bool late = said_ > 0 && !options_.tenure->holds();
  if (late && serving_)
    return fail(Code::server_unavailable, "the store was away for as long as a lease");
  options_.watch->look(followed.sight);
  NAE_TRY(options_.watch->is_whole());
  ended_ = false;
  said_ = late ? 1 : said_ + 1;
  options_.tenure->extend(sent, options_.lease);
  may_take_ = candidate_.may_take(followed.lease, BootClock::now(), options_.lease);
  std::lock_guard lock(mutex_);
  in_charge_ = followed.lease.node;
  return Step::said;
}

Result<void> Following::join() {
  for (int steps = 0; said_ < 2; ++steps) {
    if (steps == kMostSteps)
      return fail(Code::server_unavailable, "the store changes faster than it can be followed");
    NAE_TRY(step());
  }
  serving_ = true;
  return {};
}

void Following::start() {
  thread_ = std::thread([this] { keep_following(); });
}

void Following::keep_following() {
  const auto interval = std::min(options_.lease / kBeatsALease, kLongestPause);
  auto pause = interval;
  Error last(Code::server_unavailable, "nothing was heard of the store");
  while (true) {
    {
      std::unique_lock lock(mutex_);
      if (wake_.wait_for(lock, pause, [&] { return stopping_; })) return;
    }
    // One that comes back after the end does not begin it again.
    if (!options_.tenure->holds()) break;
    const auto before = applied_;
    const auto done = step();
    if (!done) {
      last = done.error();
      if (ended_) break;
      pause = kAfterFailure;
      continue;
    }
    // What the beat found may not be there yet for who reads: that one is not asked all the time.
    const bool moved = *done == Step::applied && applied_ != before;
    pause = *done == Step::said ? interval : moved ? std::chrono::milliseconds(0) : kAfterFailure;
    // Who was suspended since may have been replaced by another run.
    if (*done == Step::said && may_take_ && options_.tenure->holds() &&
        options_.take_charge(candidate_))
      return;
  }
  options_.tenure->end();
  options_.lost(last);
}

}  // namespace nae::group

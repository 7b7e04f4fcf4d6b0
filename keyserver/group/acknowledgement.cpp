#include "keyserver/group/acknowledgement.hpp"

namespace nae::group {
namespace {

// Who applies a change says so within a second; a lease is short beside a person's patience.
constexpr int kLooksALease = 30;
constexpr std::chrono::milliseconds kShortestWait{50}, kLongestWait{250};
constexpr int kMostLeases = 2;

tl::unexpected<Error> not_in_force(const std::string& why) {
  return fail(
      Code::timeout,
      "the change was made and holds here, but may not be in force on every key server: " + why,
      "Repeat the command to wait again; see 'nae node list'.");
}

std::string text_of(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace

Result<Acknowledgement::Look> Acknowledgement::look(const store::LedgerPoint& change) {
  // One at a time: rows that were read earlier must not be taken for newer ones.
  std::lock_guard lock(looking_);
  NAE_ASSIGN(const auto rows, options_.list());
  auto behind = followers_.behind(rows, change, BootClock::now(), options_.lease);
  return Look{std::move(behind), followers_.longest(options_.lease)};
}

Result<void> Acknowledgement::wait(const store::LedgerPoint& change) {
  const auto begun = BootClock::now();
  const auto pause = std::clamp(options_.lease / kLooksALease, kShortestWait, kLongestWait);
  auto longest = options_.lease;
  while (true) {
    const auto looked = look(change);
    if (looked && looked->behind.empty()) return {};
    if (looked) longest = looked->longest;
    if (BootClock::now() - begun > kMostLeases * longest)
      return not_in_force(looked ? text_of(looked->behind) + " has not said so"
                                 : looked.error().message);
    std::unique_lock lock(mutex_);
    if (stopped_.wait_for(lock, pause, [&] { return stopping_; }))
      return not_in_force("this one stops");
  }
}

void Acknowledgement::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stopped_.notify_all();
}

}  // namespace nae::group

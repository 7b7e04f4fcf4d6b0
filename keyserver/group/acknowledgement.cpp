#include "keyserver/group/acknowledgement.hpp"

namespace nae::group {
namespace {

// Who applies a change says so within a second; a lease is short beside a person's patience.
constexpr int kLooksALease = 30;
constexpr std::chrono::milliseconds kShortestWait{50}, kLongestWait{250};
constexpr int kMostLeases = 2;

tl::unexpected<Error> not_in_force(const Error& why) {
  return fail(why.code,
              "the change was made and holds here, but may not be in force on every key server: " +
                  why.message,
              "See 'nae node list' for who has not applied it; what is changed next waits for this "
              "as well.");
}

tl::unexpected<Error> not_met(const Error& why) {
  return fail(why.code, "a key server that answers may not have what this one has: " + why.message,
              "See 'nae node list' on one that follows, and its log. Nobody waits for one that is "
              "stopped.");
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

Result<void> Acknowledgement::wait(const store::LedgerPoint& change, const std::stop_token& told) {
  const std::stop_callback when_told(told, [this] { stop(); });
  if (auto waited = wait_since(BootClock::now(), change); !waited) return not_met(waited.error());
  return {};
}

std::function<Result<void>()> Acknowledgement::begin(const store::LedgerPoint& change) {
  return [this, change, begun = BootClock::now()]() -> Result<void> {
    if (auto waited = wait_since(begun, change); !waited) return not_in_force(waited.error());
    return {};
  };
}

Result<void> Acknowledgement::wait_since(BootClock::time_point begun,
                                         const store::LedgerPoint& change) {
  const auto pause = std::clamp(options_.lease / kLooksALease, kShortestWait, kLongestWait);
  auto longest = options_.lease;
  while (true) {
    if (is_stopping()) return fail(Code::timeout, "this one stops");
    const auto looked = look(change);
    if (looked && looked->behind.empty()) return {};
    if (looked) longest = looked->longest;
    if (BootClock::now() - begun > kMostLeases * longest)
      return fail(Code::timeout,
                  looked ? text_of(looked->behind) + " has not said so" : looked.error().message);
    std::unique_lock lock(mutex_);
    stopped_.wait_for(lock, pause, [&] { return stopping_; });
  }
}

bool Acknowledgement::is_stopping() {
  std::lock_guard lock(mutex_);
  return stopping_;
}

void Acknowledgement::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stopped_.notify_all();
}

}  // namespace nae::group

#include "keyserver/server/follower.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "libnae/base/log_text.hpp"

namespace nae::server {
namespace {

// One that is in charge now begins anew, and agents go to the others meanwhile.
constexpr std::chrono::milliseconds kHandoverTime{1'000};

}  // namespace

Follower::~Follower() {
  stop();
  if (joined_ && !succession_) leave();
}

Result<void> Follower::join(const store::LedgerPoint& read) {
  joined_ = true;  // with the first beat, also of a join that fails after it
  following_ = std::make_unique<group::Following>(
      std::move(followed_.row), read,
      group::FollowingOptions{config_.store.lease, followed_.tenure, parts_.watch, parts_.apply,
                              end_without_lease,
                              [this](auto& candidate) { return take_charge(candidate); }});
  return following_->join();
}

std::chrono::milliseconds Follower::time_to_finish(std::chrono::milliseconds most) const {
  if (succession_) return std::min(most, kHandoverTime);
  const auto left =
      std::chrono::floor<std::chrono::milliseconds>(followed_.tenure->left()) - kHandoverTime;
  return std::clamp(left, std::chrono::milliseconds(0), most);
}

std::chrono::milliseconds Follower::time_to_settle(std::chrono::milliseconds most) const {
  const auto half = std::chrono::floor<std::chrono::milliseconds>(followed_.tenure->left()) / 2;
  return std::clamp(half, std::chrono::milliseconds(0), most);
}

bool Follower::take_charge(group::Candidate& candidate) {
  const auto can = parts_.can_serve();
  auto taken = can ? followed_.take_charge(candidate) : Result<Succession>(fail(can.error()));
  if (!taken) {
    // Asked at each beat, which is once a second.
    if (std::exchange(not_taken_, taken.error().message) != not_taken_)
      spdlog::info("event=charge-not-taken message={}", quoted_text(not_taken_));
    return false;
  }
  spdlog::warn("event=charge-taken message=\"this key server begins anew as the one in charge\"");
  succession_ = std::make_shared<Succession>(*std::move(taken));
  parts_.begin_anew();
  return true;
}

std::string Follower::in_charge() const {
  std::string name = following_->in_charge();
  const auto nodes = parts_.store.list_nodes();
  if (nodes)
    for (const store::Node& node : *nodes)
      if (node.name == name) return name + " at " + node.address;
  return name;
}

}  // namespace nae::server

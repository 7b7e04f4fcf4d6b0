// Follower: what a key server that answers beside the one in charge has to do with the group: its
// own lease, and becoming the one in charge.
#pragma once

#include <chrono>
#include <memory>

#include "keyserver/config/config.hpp"
#include "keyserver/group/following.hpp"
#include "keyserver/server/open_store.hpp"

namespace nae::server {

class Follower {
 public:
  struct Parts {
    store::Store& store;
    std::shared_ptr<group::StoreWatch> watch;
    // See group::FollowingOptions.
    std::function<Result<store::LedgerPoint>()> apply;
    // Whether the HSM answers: who cannot serve takes nothing.
    std::function<Result<void>()> can_serve;
    // From another thread: this one is in charge, and is to end and begin anew.
    std::function<void()> begin_anew;
  };
  Follower(const config::Config& config, FollowedStore followed, Parts parts)
      : config_(config), followed_(std::move(followed)), parts_(std::move(parts)) {}
  // When nobody is answered any more. Whoever joined and did not get as far as serving leaves.
  ~Follower();
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

  // `read`: what is in force, which nobody is answered from yet. Afterwards agents may be answered.
  Result<void> join(const store::LedgerPoint& read);
  void start() { following_->start(); }
  void stop() {
    if (following_) following_->stop();
  }
  // How long requests may take to finish, which is within the last word of this one.
  std::chrono::milliseconds time_to_finish(std::chrono::milliseconds most) const;
  // The same of who is slow to take answers that a change has made old.
  std::chrono::milliseconds time_to_settle(std::chrono::milliseconds most) const;
  // Nobody need wait for this run: it answers nothing any more, and begins nothing anew. After
  // stop(), as all that follows.
  void leave() {
    joined_ = false;
    succession_.reset();  // gives the lease back
    followed_.leave();
  }
  // When it was taken, and this one is to begin anew.
  std::shared_ptr<Succession> succession() const { return succession_; }
  // "ks1 at 10.0.0.1:7443", for people.
  std::string in_charge() const;

 private:
  bool take_charge(group::Candidate& candidate);
  const config::Config& config_;
  FollowedStore followed_;  // without its store
  const Parts parts_;
  std::unique_ptr<group::Following> following_;
  bool joined_ = false;                     // and did not leave: changes wait for this run
  std::string not_taken_;                   // why, the last time
  std::shared_ptr<Succession> succession_;  // the thread's until stop()
};

}  // namespace nae::server

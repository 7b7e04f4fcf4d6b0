// Following: answering agents beside the one in charge, under a lease of this node's own row. A
// thread says again and again that all which the store has is in force here, and brings in force
// what is new: docs/spec/group.md, F1, F2 and F4.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "keyserver/group/candidate.hpp"
#include "keyserver/group/store_watch.hpp"
#include "keyserver/group/tenure.hpp"

namespace nae::group {

struct FollowingOptions {
  std::chrono::milliseconds lease{30'000};
  std::shared_ptr<Tenure> tenure;
  std::shared_ptr<StoreWatch> watch;
  // Brings in force all that the store has, and returns when no answer that was decided before is
  // still to leave. Answers up to which change. store_corrupt and store_rolled_back are final.
  std::function<Result<store::LedgerPoint>()> apply;
  // Called once, from the thread: the tenure has ended.
  std::function<void(const Error&)> lost;
  // Called from the thread when nobody is in charge any more. True when this node is from now on:
  // the thread ends, and the tenure runs out.
  std::function<bool(Candidate&)> take_charge;
};

class Following {
 public:
  // `applied`: what is in force, which nobody is answered from yet.
  Following(std::unique_ptr<store::FollowerRow> row, const store::LedgerPoint& applied,
            FollowingOptions options);
  ~Following() { stop(); }
  Following(const Following&) = delete;
  Following& operator=(const Following&) = delete;

  // Afterwards agents may be answered. Two beats: a change that is committed when the first one
  // stands sees the row and waits for it, and the second one sees every change from before.
  Result<void> join();
  void start();                   // the thread
  void stop();                    // it; says nothing to the store
  std::string in_charge() const;  // the name of who had the lease of the store last

 private:
  // One beat, or what it takes before there can be one.
  enum class Step { said, applied };
  Result<Step> step();
  void keep_following();

  const FollowingOptions options_;
  const std::unique_ptr<store::FollowerRow> row_;
  store::LedgerPoint applied_;
  Candidate candidate_;
  int said_ = 0;  // beats, of which each one found the tenure of the one before
  bool serving_ = false;
  bool ended_ = false;  // of the last failure: another try does not help
  bool may_take_ = false;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;  // under mutex_
  std::string in_charge_;  // under mutex_
  std::thread thread_;
};

}  // namespace nae::group

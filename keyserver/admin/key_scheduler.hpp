// KeyScheduler: does what keys have planned when its time has come, and carries the counts of their
// uses to the store. What it does is recorded like an administrator's work, by "scheduler".
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "keyserver/admin/admin_parts.hpp"

namespace nae::admin {

class KeyScheduler {
 public:
  struct Parts {
    KeyParts keys;
    policy::PolicyBook& policy;
    audit::Log& audit;
    keys::TrustedTime& clock;
    ChangeParts change;
  };
  // The parts outlive this.
  explicit KeyScheduler(Parts parts);
  ~KeyScheduler();
  KeyScheduler(const KeyScheduler&) = delete;
  KeyScheduler& operator=(const KeyScheduler&) = delete;

  // Does everything that is due, by date; nothing while the clock is not trusted. Called before the
  // server listens, so that nobody is served by a state that ended while it was down; then from a
  // thread of its own.
  void run_due();
  // Writes down how often keys were used, and rotates those that were used up.
  void save_usage();

  void start();
  // Writes the last counts. Idempotent.
  void stop();

 private:
  using Key = std::pair<KeyId, std::uint16_t>;
  void run();
  bool perform(const keys::Due& due);
  bool record(const keys::Due& due, std::string_view key, const Error* failure, bool begun);

  Parts parts_;
  std::map<Key, std::int64_t> put_off_until_us_;  // steady; what failed lately
  std::mutex lock_;
  std::condition_variable wake_;
  bool stopping_ = false;
  bool running_low_ = false;
  std::thread thread_;
};

}  // namespace nae::admin

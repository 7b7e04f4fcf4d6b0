// Verification: a proof of the audit log that may take longer than anybody waits for an answer. It
// runs on a thread of its own, one at a time. Who asked for it asks again until its report is
// there.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "keyserver/audit/verify.hpp"

namespace nae::admin {

class Verification {
 public:
  // Two questions that are equal are one, asked again.
  struct Question {
    std::string admin, from, to;
    friend bool operator==(const Question&, const Question&) = default;
  };
  struct Answer {
    std::optional<audit::VerifyReport> report;  // none yet: it goes on
    std::uint64_t bytes_read = 0, bytes = 0;    // 0 of 0 until the segments are listed
  };
  using Proof = std::function<Result<audit::VerifyReport>(const audit::VerifyProgress&)>;

  // A proof that nobody has asked for so long ends: its asker is gone.
  explicit Verification(std::chrono::milliseconds forgotten_after = std::chrono::minutes(5))
      : forgotten_after_(forgotten_after) {}
  ~Verification();
  Verification(const Verification&) = delete;
  Verification& operator=(const Verification&) = delete;

  // Goes on with this question's proof, or takes one from `begin`, which is called on this thread;
  // then waits for its end, `at_most` so long. A report is given once: the next one who asks begins
  // anew. Code::overloaded while somebody else's proof runs. Any thread may ask.
  Result<Answer> ask(const Question& question, const std::function<Result<Proof>()>& begin,
                     std::chrono::milliseconds at_most);

 private:
  using Clock = std::chrono::steady_clock;

  void run(const Proof& proof) noexcept;
  bool note(std::uint64_t bytes_read, std::uint64_t bytes);
  bool is_forgotten() const { return Clock::now() - asked_at_ >= forgotten_after_; }

  const std::chrono::milliseconds forgotten_after_;
  std::mutex mutex_;
  std::condition_variable ended_;
  std::thread thread_;  // joinable from the beginning of a proof until the next one
  bool stopping_ = false, running_ = false;
  std::optional<Question> question_;  // whose proof runs, or has ended and was not fetched
  Clock::time_point asked_at_;
  std::uint64_t bytes_read_ = 0, bytes_ = 0;
  std::optional<Result<audit::VerifyReport>> result_;
};

}  // namespace nae::admin

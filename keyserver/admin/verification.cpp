#include "keyserver/admin/verification.hpp"

#include <exception>

namespace nae::admin {

Verification::~Verification() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

Result<Verification::Answer> Verification::ask(const Question& question,
                                               const std::function<Result<Proof>()>& begin,
                                               std::chrono::milliseconds at_most) {
  std::unique_lock lock(mutex_);
  if (!running_ && is_forgotten())
    question_.reset();  // a report of then is no answer to a question of now
  if (running_ && question_ != question)
    return fail(Code::overloaded, "another proof of the audit log is running");
  if (question_ != question) {
    NAE_ASSIGN(Proof proof, begin());
    if (thread_.joinable()) thread_.join();  // it has ended: it is past its last lock
    result_.reset();
    bytes_read_ = bytes_ = 0;
    asked_at_ = Clock::now();
    thread_ = std::thread([this, proof = std::move(proof)] { run(proof); });
    question_ = question;
    running_ = true;
  }
  asked_at_ = Clock::now();
  ended_.wait_for(lock, at_most, [&] { return !running_ || question_ != question; });
  asked_at_ = Clock::now();
  if (question_ != question)  // whoever asked the same has fetched the report
    return fail(Code::overloaded, "another proof of the audit log is running");
  if (running_) return Answer{std::nullopt, bytes_read_, bytes_};
  question_.reset();
  NAE_ASSIGN(audit::VerifyReport report, *std::exchange(result_, std::nullopt));
  return Answer{std::move(report), bytes_read_, bytes_};
}

void Verification::run(const Proof& proof) noexcept {
  std::optional<Result<audit::VerifyReport>> result;
  try {
    result = proof([this](std::uint64_t read, std::uint64_t all) { return note(read, all); });
  } catch (const std::exception&) {
    result = fail(Code::internal, "the proof of the audit log broke off");
  }
  const std::lock_guard lock(mutex_);
  running_ = false;
  result_ = std::move(result);
  ended_.notify_all();
}

// Whether to go on.
bool Verification::note(std::uint64_t bytes_read, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  bytes_read_ = bytes_read;
  bytes_ = bytes;
  return !stopping_ && !is_forgotten();
}

}  // namespace nae::admin

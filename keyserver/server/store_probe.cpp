#include "keyserver/server/store_probe.hpp"

#include <spdlog/spdlog.h>

#include <string>

namespace nae::server {
namespace {

// A store that does not answer within this time of a stop is not asked any more.
constexpr std::chrono::milliseconds kStoreEndTime{900};

}  // namespace

StoreProbe::StoreProbe(std::function<Result<void>()> check)
    : StoreProbe(std::move(check), Options()) {}

StoreProbe::StoreProbe(std::function<Result<void>()> check, Options options)
    : check_(std::move(check)), options_(options), thread_([this] { run(); }) {}

StoreProbe::~StoreProbe() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void StoreProbe::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || asking_; });
    if (stopping_) return;
    lock.unlock();
    Result<void> answer = check_();
    lock.lock();
    answer_ = std::move(answer);
    asking_ = false;
    ++answers_;
    changed_.notify_all();
  }
}

void StoreProbe::begin() {
  if (asking_) return;
  asking_ = true;
  asked_at_ = Clock::now();
  changed_.notify_all();
}

Result<void> StoreProbe::ask() {
  std::unique_lock lock(mutex_);
  begin();
  const Clock::time_point asked_at = asked_at_;
  const std::uint64_t before = answers_;
  changed_.wait_until(lock, asked_at + options_.patience, [&] { return answers_ != before; });
  const auto silent = Clock::now() - asked_at;
  if (answers_ != before || silent < options_.away_after) return answer_;
  return fail(Code::store_unavailable,
              "the store has not answered for " +
                  std::to_string(std::chrono::floor<std::chrono::seconds>(silent).count()) + " s");
}

bool StoreProbe::answers_within(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  begin();
  const std::uint64_t before = answers_;
  return changed_.wait_for(lock, time, [&] { return answers_ != before; });
}

void StoreProbe::give_up_dark_store(std::atomic<bool>& given_up) {
  if (answers_within(kStoreEndTime)) return;
  spdlog::error("event=store-given-up message=\"it does not answer: this stop is as a crash\"");
  given_up = true;
}

}  // namespace nae::server

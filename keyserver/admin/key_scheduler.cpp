#include "keyserver/admin/key_scheduler.hpp"

#include <spdlog/spdlog.h>

#include <chrono>

#include "keyserver/admin/key_changes.hpp"
#include "keyserver/admin/key_digest.hpp"
#include "libnae/base/clock.hpp"
#include "libnae/base/log_text.hpp"

namespace nae::admin {
namespace {

// How late a date may be kept, and how old the counts of uses in the store may be.
constexpr std::chrono::seconds kTick{1};
// What failed is tried again, not at every tick: each attempt is a record in the audit log.
constexpr std::int64_t kRetryAfterUs = std::int64_t{60} * 1'000'000;

}  // namespace

KeyScheduler::KeyScheduler(Parts parts) : parts_(std::move(parts)) {
  parts_.keys.ring.usage().running_low = [this] {
    std::lock_guard lock(lock_);
    running_low_ = true;
    wake_.notify_one();
  };
}

KeyScheduler::~KeyScheduler() {
  stop();
  parts_.keys.ring.usage().running_low = [] {};
}

void KeyScheduler::start() {
  thread_ = std::thread([this] { run(); });
}

void KeyScheduler::stop() {
  {
    std::lock_guard lock(lock_);
    stopping_ = true;
    wake_.notify_one();
  }
  if (!thread_.joinable()) return;
  thread_.join();
  if (auto saved = parts_.keys.ring.close_usage(); !saved)
    spdlog::error("event=usage-not-saved message={}", quoted_text(saved.error().message));
}

void KeyScheduler::run() {
  for (;;) {
    {
      std::unique_lock lock(lock_);
      wake_.wait_for(lock, kTick, [this] { return stopping_ || running_low_; });
      if (stopping_) return;
      running_low_ = false;
    }
    save_usage();
    run_due();
  }
}

void KeyScheduler::run_due() {
  if (!parts_.clock.look()) return;  // whoever watches the clock says so
  const std::int64_t now_us = parts_.clock.steady_us();
  std::erase_if(put_off_until_us_, [&](const auto& entry) { return entry.second <= now_us; });
  for (const keys::Due& due : parts_.keys.ring.due()) {
    // A later step of a version must not overtake one that failed.
    const Key key{due.key, due.version};
    if (put_off_until_us_.contains(key)) continue;
    if (!perform(due)) put_off_until_us_[key] = now_us + kRetryAfterUs;
  }
}

void KeyScheduler::save_usage() {
  auto used_up = parts_.keys.ring.save_usage();
  if (!used_up) {
    spdlog::error("event=usage-not-saved message={}", quoted_text(used_up.error().message));
    return;
  }
  const std::int64_t now_us = parts_.clock.steady_us();
  for (const keys::Due& due : *used_up) {
    const Key key{due.key, due.version};
    if (!put_off_until_us_.contains(key) && !perform(due))
      put_off_until_us_[key] = now_us + kRetryAfterUs;
  }
}

bool KeyScheduler::perform(const keys::Due& due) {
  const keys::KeyPointer key = parts_.keys.ring.find(due.key);
  if (!key || !record(due, key->name, nullptr, true)) return false;
  auto done = parts_.keys.ring.perform(due);
  if (!done) {
    record(due, key->name, &done.error(), false);
    return false;
  }
  // Made and durable all the same when a thread hangs: not to be made again.
  auto in_force = put_in_force(parts_.keys.working, parts_.policy, parts_.change, **done,
                               due.version, due.state);
  if (parts_.change.made) parts_.change.made();
  record(due, key->name, in_force ? nullptr : &in_force.error(), false);
  return true;
}

bool KeyScheduler::record(const keys::Due& due, std::string_view key, const Error* failure,
                          bool begun) {
  const bool rotation = due.version == 0;
  std::string detail =
      rotation ? std::string(due.at_us == 0 ? "uses" : "age") : change_text(due.version, due.state);
  if (failure) detail += ": " + failure->message;
  audit::AdminRecord record;
  record.time_us = unix_time_us();
  record.admin = "scheduler";
  record.action = rotation ? "key-rotate" : "key-state";
  record.target = key;
  record.verdict = failure ? "deny" : "value";
  record.reason = failure ? name(failure->code) : begun ? "begun" : "allowed";
  record.detail = detail;
  const keys::KeyPointer row = parts_.keys.ring.find(key);
  const std::string digest = row ? key_digest(*row) : std::string();
  record.digest = digest;
  audit::Batch batch;
  batch.add(record);
  auto recorded = parts_.audit.append(batch);
  if (failure)
    spdlog::error("event=schedule-failed key={} code={} message={}", key, name(failure->code),
                  quoted_text(failure->message));
  else if (!begun)
    spdlog::info("event=scheduled key={} change={}", key, quoted_text(detail));
  return recorded.has_value();
}

}  // namespace nae::admin

#include "keyserver/admin/audit_checker.hpp"

#include <spdlog/spdlog.h>

#include <chrono>

#include "libnae/base/clock.hpp"
#include "libnae/base/log_text.hpp"

namespace nae::admin {
namespace {

// A segment takes part of a second of one processor: the others come first.
constexpr std::chrono::seconds kBetweenSegments{2};

}  // namespace

void AuditChecker::start() {
  thread_ = std::thread([this] { run(); });
}

void AuditChecker::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void AuditChecker::run() {
  for (;;) {
    auto checked = checks_.check_next(boot_time_us());
    if (!checked)
      spdlog::warn("event=audit-not-checked message={}", quoted_text(checked.error().message));
    report();
    std::unique_lock lock(mutex_);
    if (wake_.wait_for(lock, kBetweenSegments, [this] { return stopping_; })) return;
  }
}

void AuditChecker::report() {
  for (const audit::DamagedSegment& damaged : checks_.damaged()) {
    if (!told_.insert(damaged.file).second) continue;
    spdlog::error("event=audit-damaged segment={} message={}", damaged.file,
                  quoted_text(damaged.problem));
    audit::Batch batch;
    batch.add(audit::EventRecord{unix_time_us(), "segment-damaged",
                                 damaged.file + ": " + damaged.problem});
    // Told again when the log refuses it now.
    if (!log_.append(batch)) told_.erase(damaged.file);
  }
}

}  // namespace nae::admin

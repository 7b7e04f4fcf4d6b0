#include "keyserver/keys/trusted_time.hpp"

#include <algorithm>
#include <cstdlib>

namespace nae::keys {
namespace {

// A thread that was stopped between two readings would take its own sleep for a jump.
constexpr std::int64_t kAtOnceUs = 100'000;
constexpr int kReadings = 20;

bool is_same_start(const KeptTime& kept, const std::string& boot_id, std::int64_t boot_us) {
  return !boot_id.empty() && kept.boot_id == boot_id && boot_us >= kept.boot_us;
}

}  // namespace

TrustedTime::TrustedTime(Clocks clocks) : clocks_(std::move(clocks)) {
  const Pair now = read();
  trusted_offset_us_ = steady_offset_us_ = now.wall_us - now.boot_us;
  looked_at_us_ = now.boot_us;
}

TrustedTime::Pair TrustedTime::read() const {
  Pair now{};
  for (int reading = 0; reading < kReadings; ++reading) {
    now.boot_us = clocks_.boot_us();
    now.wall_us = clocks_.wall_us();
    if (clocks_.boot_us() - now.boot_us <= kAtOnceUs) break;
  }
  return now;
}

void TrustedTime::begin(const std::optional<KeptTime>& kept, std::int64_t newest_record_us) {
  std::lock_guard changing(changing_);
  const Pair now = read();
  looked_at_us_ = now.boot_us;
  difference_us_ = 0;
  std::int64_t expected_us = 0, least_us = 0, most_us = 0;
  if (kept && is_same_start(*kept, clocks_.boot_id, now.boot_us)) {
    // The machine ran on: it knows how long the server was away.
    const std::int64_t away_us = now.boot_us - kept->boot_us;
    const std::int64_t slack_us = kMostStepUs + away_us / kDrift;
    expected_us = kept->trusted_us + away_us;
    least_us = expected_us - slack_us;
    most_us = expected_us + slack_us;
    steady_offset_us_ = kept->steady_us - kept->boot_us;
  } else {
    // Records that a doubtful clock dated vouch for nothing.
    if (kept) expected_us = kept->trusted_us;
    if (!kept || !kept->doubted) expected_us = std::max(expected_us, newest_record_us);
    least_us = expected_us - kMostStepUs;
    most_us = expected_us + kMostAbsenceUs;
    if (kept) steady_offset_us_ = kept->steady_us - now.boot_us;
  }
  const bool is_first = !kept && newest_record_us == 0;
  if (is_first || (now.wall_us >= least_us && now.wall_us <= most_us)) {
    believe(now);
  } else {
    trusted_offset_us_ = expected_us - now.boot_us;
    doubt(now.wall_us - expected_us);
  }
  if (!kept) steady_offset_us_ = trusted_offset_us_.load();
}

bool TrustedTime::look() {
  std::lock_guard changing(changing_);
  const Pair now = read();
  const std::int64_t difference_us = now.wall_us - (now.boot_us + trusted_offset_us_);
  const std::int64_t passed_us = std::max<std::int64_t>(now.boot_us - looked_at_us_, 0);
  looked_at_us_ = now.boot_us;
  if (std::abs(difference_us) > kMostStepUs) {
    doubt(difference_us);
    return false;
  }
  difference_us_ = 0;
  // Follows a clock that is corrected, no faster than one may drift.
  const std::int64_t most_us = passed_us / kDrift;
  trusted_offset_us_ += std::clamp(difference_us, -most_us, most_us);
  return true;
}

void TrustedTime::doubt(std::int64_t difference_us) {
  if (difference_us_ == 0) ++jumps_;
  difference_us_ = difference_us;
}

void TrustedTime::accept() {
  std::lock_guard changing(changing_);
  const Pair now = read();
  believe(now);
  looked_at_us_ = now.boot_us;
  difference_us_ = 0;
}

std::string TrustedTime::problem() const {
  const std::int64_t difference_us = difference_us_;
  if (difference_us == 0) return {};
  return "the wall clock is " + std::to_string(std::abs(difference_us) / 1'000'000) +
         (difference_us > 0 ? " s ahead of" : " s behind") + " the time that has passed";
}

KeptTime TrustedTime::kept() const {
  std::lock_guard changing(changing_);
  const std::int64_t boot_us = clocks_.boot_us();
  return {boot_us + steady_offset_us_, boot_us + trusted_offset_us_, boot_us, clocks_.boot_id,
          difference_us_ != 0};
}

}  // namespace nae::keys

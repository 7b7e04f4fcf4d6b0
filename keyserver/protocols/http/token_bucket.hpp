// TokenBucket: so many at once, so many a second in the long run.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>

namespace nae::http {

class TokenBucket {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // Full at `now`. Both at least 1.
  TokenBucket(std::uint32_t per_second, std::uint32_t burst, TimePoint now)
      : per_second_(per_second), burst_(burst), tokens_(burst), filled_at_(now) {}

  // 0: one was taken. Otherwise in how many seconds there will be one, at least 1.
  std::uint32_t take(TimePoint now) {
    fill(now);
    if (tokens_ >= 1) {
      tokens_ -= 1;
      return 0;
    }
    return std::max(1u, static_cast<std::uint32_t>(std::ceil((1 - tokens_) / per_second_)));
  }
  bool full(TimePoint now) const { return tokens_at(now) >= burst_; }

 private:
  double tokens_at(TimePoint now) const {
    if (now <= filled_at_) return tokens_;
    std::chrono::duration<double> passed = now - filled_at_;
    return std::min(burst_, tokens_ + passed.count() * per_second_);
  }
  void fill(TimePoint now) {
    tokens_ = tokens_at(now);
    filled_at_ = std::max(filled_at_, now);
  }

  double per_second_;
  double burst_;
  double tokens_;
  TimePoint filled_at_;
};

}  // namespace nae::http

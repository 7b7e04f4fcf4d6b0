#include "keyserver/policy/limit_window.hpp"

#include <algorithm>
#include <limits>

#include "keyserver/policy/limit.hpp"

namespace nae::policy {
namespace {

constexpr std::int64_t kMicrosecondsPerSecond = 1'000'000;
constexpr std::size_t kStepBytes = 8, kBucketBytes = 1 + 8;

// A bound of what one window can hold: each of its buckets at the largest limit.
constexpr std::uint64_t kMostItems = kMaxLimitItems;

}  // namespace

LimitWindow::LimitWindow(std::uint32_t window_seconds)
    : seconds_(window_seconds),
      step_us_(std::int64_t{window_seconds} * kMicrosecondsPerSecond / kSteps) {}

void LimitWindow::advance(std::int64_t now_us) {
  const std::int64_t now_step = now_us / step_us_;
  if (now_step <= step_) return;
  const std::int64_t passed = std::min<std::int64_t>(now_step - step_, kBuckets);
  for (std::int64_t i = 1; i <= passed; ++i) {
    std::uint64_t& bucket = at(now_step - passed + i);
    total_ -= bucket;
    bucket = 0;
  }
  step_ = now_step;
}

void LimitWindow::add(std::uint64_t items) {
  at(step_) += items;
  total_ += items;
}

std::uint32_t LimitWindow::retry_after_ms(std::uint64_t items, std::uint64_t limit,
                                          std::int64_t now_us) const {
  if (items > limit) return 0;
  std::uint64_t left = total_;
  for (std::int64_t step = step_ - kBuckets + 1; step <= step_; ++step) {
    left -= at(step);
    if (left > limit - items) continue;
    const std::int64_t wait_us = std::max<std::int64_t>((step + kBuckets) * step_us_ - now_us, 1);
    return static_cast<std::uint32_t>(
        std::min<std::int64_t>((wait_us + 999) / 1000, std::numeric_limits<std::uint32_t>::max()));
  }
  return 1;  // not reached: the last step leaves nothing
}

Bytes LimitWindow::encode() const {
  Bytes encoded(kStepBytes);
  store_big_endian(encoded.data(), static_cast<std::uint64_t>(step_));
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    if (buckets_[i] == 0) continue;
    const std::size_t start = encoded.size();
    encoded.resize(start + kBucketBytes);
    encoded[start] = static_cast<Byte>(i);
    store_big_endian(encoded.data() + start + 1, buckets_[i]);
  }
  return encoded;
}

Result<LimitWindow> LimitWindow::decode(std::uint32_t window_seconds, ByteView encoded) {
  const auto corrupt = [] { return fail(Code::store_corrupt, "a count of a limit is malformed"); };
  LimitWindow window(window_seconds);
  if (window_seconds == 0 || encoded.size() < kStepBytes ||
      (encoded.size() - kStepBytes) % kBucketBytes != 0)
    return corrupt();
  const auto step = load_big_endian<std::uint64_t>(encoded.data());
  if (step >
      static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max() / (window.step_us_ * 2)))
    return corrupt();
  window.step_ = static_cast<std::int64_t>(step);
  for (std::size_t at = kStepBytes; at < encoded.size(); at += kBucketBytes) {
    const std::size_t index = encoded[at];
    const auto items = load_big_endian<std::uint64_t>(encoded.data() + at + 1);
    if (index >= window.buckets_.size() || window.buckets_[index] != 0 || items == 0 ||
        items > kMostItems)
      return corrupt();
    window.buckets_[index] = items;
    window.total_ += items;
  }
  return window;
}

}  // namespace nae::policy

#include "agent/renewal_time.hpp"

#include <algorithm>

namespace nae::agent {
namespace {

constexpr std::int64_t kFirstRetry_s = 60, kLongestRetry_s = 3'600, kShortestRetry_s = 5;
constexpr unsigned kMostDoublings = 6;

double length_of(const CertificateLife& life) {
  return static_cast<double>(crypto::length_s(life));
}

}  // namespace

std::int64_t renewal_due_s(const CertificateLife& life, double chance) {
  return life.not_before_s + static_cast<std::int64_t>(length_of(life) * (2.0 / 3 + chance / 20));
}

std::int64_t renewal_late_s(const CertificateLife& life) {
  return life.not_before_s + static_cast<std::int64_t>(length_of(life) * 3 / 4);
}

std::chrono::seconds renewal_retry(unsigned failures, std::int64_t left_s, double chance) {
  const unsigned doublings = std::min(std::max(failures, 1u) - 1, kMostDoublings);
  std::int64_t wait_s = std::min(kFirstRetry_s << doublings, kLongestRetry_s);
  if (left_s > 0) wait_s = std::clamp(left_s / 20, kShortestRetry_s, wait_s);
  return std::chrono::seconds(
      wait_s - static_cast<std::int64_t>(static_cast<double>(wait_s) * (1 - chance) / 2));
}

}  // namespace nae::agent

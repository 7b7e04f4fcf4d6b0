#include "keyserver/server/limit_keeper.hpp"

#include <spdlog/spdlog.h>

#include <chrono>

#include "libnae/base/log_text.hpp"

namespace nae::server {
namespace {

constexpr std::chrono::seconds kInterval{1};

}  // namespace

Result<void> LimitKeeper::load() {
  NAE_ASSIGN(std::vector<policy::LimitCount> counts, repository_.load_limits());
  return limits_.restore(counts, clock_.steady_us());
}

void LimitKeeper::start() {
  timer_.expires_after(kInterval);
  timer_.async_wait([this](boost::system::error_code error) {
    if (error) return;
    save();
    start();
  });
}

void LimitKeeper::save() {
  const std::vector<policy::LimitCount> counts = limits_.take_changed();
  if (counts.empty()) return;
  if (auto saved = repository_.save_limits(counts, clock_.steady_us()); !saved) {
    limits_.give_back(counts);
    spdlog::error("event=limits-not-saved message={}", quoted_text(saved.error().message));
  }
}

}  // namespace nae::server

#include "keyserver/server/limit_keeper.hpp"

#include <spdlog/spdlog.h>

#include "libnae/base/log_text.hpp"

namespace nae::server {
Result<void> LimitKeeper::load() {
  NAE_ASSIGN(std::vector<policy::LimitCount> counts, repository_.load_limits());
  return limits_.restore(counts, clock_.steady_us());
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

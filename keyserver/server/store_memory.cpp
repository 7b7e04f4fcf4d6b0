#include "keyserver/server/store_memory.hpp"

#include <spdlog/spdlog.h>

#include "libnae/base/log_text.hpp"

namespace nae::server {

void StoreMemory::keep() {
  if (auto saved = watch_->save(); !saved)
    spdlog::error("event=store-seen-not-saved message={}", quoted_text(saved.error().message));
  if (auto whole = watch_->is_whole(); whole.has_value() != whole_) {
    whole_ = whole.has_value();
    if (whole)
      spdlog::warn("event=store-is-whole-again");
    else
      spdlog::critical("event=store-went-back code={} message={} hint={}", name(whole.error().code),
                       quoted_text(whole.error().message), quoted_text(whole.error().hint));
  }
  if (watch_->is_synchronous() == synchronous_) return;
  synchronous_ = watch_->is_synchronous();
  if (synchronous_)
    spdlog::warn("event=store-is-synchronous-again");
  else
    spdlog::critical(
        "event=store-is-asynchronous message=\"its synchronous_standby_names is empty: it takes no "
        "changes\"");
}

}  // namespace nae::server

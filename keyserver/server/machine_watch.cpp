#include "keyserver/server/machine_watch.hpp"

#include <spdlog/spdlog.h>

#include "libnae/base/log_text.hpp"
#include "libnae/crypto/random.hpp"

namespace nae::server {

void MachineWatch::start(boost::asio::io_context& loop) {
  auto watch = net::VmGeneration::watch(loop, [image = image_] {
    image->changed();
    auto seeded = crypto::reseed();
    spdlog::warn(
        "event=machine-resumed message=\"the virtual machine was resumed from a snapshot "
        "or cloned: salts are drawn anew{}\"",
        seeded ? "" : ", the random generator was not seeded");
  });
  if (watch)
    generation_ = std::move(*watch);
  else
    spdlog::warn("event=machine-not-watched message={}", quoted_text(watch.error().message));
}

}  // namespace nae::server

// libFuzzer: nae-keyserver's configuration. It is refused with a line and a field, or every value
// lies in the range that the documents give; the same text reads the same again.
#include <bit>

#include "keyserver/config/config.hpp"
#include "tests/fuzz/memory_file.hpp"
#include "tests/fuzz/toml_mutator.hpp"

using namespace nae;
using namespace nae::fuzz;

NAE_MUTATE_TOML

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const MemoryFile file;
  file.write(text_of(data, size));
  auto config = config::load(file.path());
  if (!config) {
    require_refusal(config.error(), Code::config_invalid);
    require(config.error().message.find("/proc/self/fd/100:") == 0);
    return 0;
  }
  require(config->server.max_connections >= 1 && config->server.threads <= 256);
  require(!config->server.host.empty());
  require(config->limits.wire.max_frame_bytes <= wire::kMaxFrameBytesCeiling);
  require(config->limits.wire.max_items >= 1 &&
          config->limits.wire.max_items <= wire::kMaxItemsCeiling);
  require(std::has_single_bit(config->limits.secure_memory_kib));
  require(config->audit.segment_mib >= 1 && config->audit.head_interval.count() >= 1);
  require(config->hsm.timeout.count() >= 100 && config->hsm.module.is_absolute());
  require(config->tls.key.is_absolute() && config->store.path.is_absolute());
  require(config->approval.expires_after.count() >= 1);
  auto again = config::load(file.path());
  require(again && again->server.host == config->server.host &&
          again->server.port == config->server.port);
  return 0;
}

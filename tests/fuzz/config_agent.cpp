// libFuzzer: nae-agent's configuration. It is refused with a line and a field, or it names servers
// and programs that can be told apart.
#include "agent/config.hpp"
#include "libnae/base/text.hpp"
#include "tests/fuzz/memory_file.hpp"
#include "tests/fuzz/toml_mutator.hpp"

using namespace nae;
using namespace nae::fuzz;

NAE_MUTATE_TOML

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const MemoryFile file;
  file.write(text_of(data, size));
  auto config = agent::load_config(file.path());
  if (!config) {
    require_refusal(config.error(), Code::config_invalid);
    require(config.error().message.find("/proc/self/fd/100:") == 0);
    return 0;
  }
  require(!config->servers.empty() && !config->programs.empty());
  for (const net::Endpoint& server : config->servers) {
    auto again = net::parse_endpoint(net::to_string(server));
    require(again && *again == server && server.port != 0);
  }
  for (const agent::Program& program : config->programs) {
    require(is_name(program.name) && program.executable.is_absolute());
    for (const Bytes& digest : program.sha256) require(digest.size() == 32);
  }
  require(config->socket_mode <= 0777 && config->socket.is_absolute());
  require(config->connections_per_server >= 1 && config->connections_per_server <= 16);
  require(config->limits.wire.max_items >= 1 && config->limits.max_buffered_bytes >= 1u << 20);
  return 0;
}

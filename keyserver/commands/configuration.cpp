#include "keyserver/commands/configuration.hpp"

#include <unistd.h>

#include "keyserver/server/owner.hpp"

namespace nae::commands {

void add_configuration(CLI::App& command, std::string& file) {
  constexpr const char *kPackaged = "/etc/nae/nae-keyserver.toml",
                       *kInitialised = "/var/lib/nae/nae-keyserver.toml";
  const bool only_initialised = ::access(kPackaged, F_OK) != 0 && ::access(kInitialised, F_OK) == 0;
  file = only_initialised ? kInitialised : kPackaged;
  command.add_option("--config", file, "Configuration file")->capture_default_str();
}

Result<config::Config> loaded(const std::string& file) {
  NAE_ASSIGN(config::Config config, config::load(file));
  NAE_TRY(server::check_owner(config));
  return config;
}

}  // namespace nae::commands

// The configuration that a command works on.
#pragma once

#include <string>
#include <type_traits>

#include "keyserver/commands/command.hpp"
#include "keyserver/config/config.hpp"
#include "libnae/crypto/secret.hpp"

namespace nae::commands {

// Room for what is secret while a command other than `run` works.
constexpr std::size_t kLockedBytes = 256u << 10;

// Adds --config to a command. Where packages put the file, or else where `init --directory
// /var/lib/nae` did.
void add_configuration(CLI::App& command, std::string& file);

// Everything that works on a server's files is of the user whose they are: the configuration, or
// why this user is refused.
Result<config::Config> loaded(const std::string& file);

// What `work` makes of a configuration, with locked memory for what is secret meanwhile.
template <class Work>
auto with_secrets(const std::string& file, Work work)
    -> std::invoke_result_t<Work&, const config::Config&> {
  NAE_ASSIGN(const config::Config config, loaded(file));
  NAE_ASSIGN(const auto heap, crypto::SecureHeap::take(kLockedBytes));
  return work(config);
}

}  // namespace nae::commands

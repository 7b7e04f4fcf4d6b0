// Settings: where the agent listens, and how its token shows. A module has no configuration file:
// programs that load it drop most of their environment, and p11-kit passes a text.
#pragma once

#include <chrono>
#include <string>

#include "libnae/base/result.hpp"

namespace nae::pkcs11 {

struct Settings {
  std::string socket = "/run/nae/agent.sock";
  std::string token_label = "NAE";  // 1 to 32 bytes
  // How long a call goes on trying while agent or key server are away.
  std::chrono::milliseconds patience{10'000};
  // libp11 0.4.12 cannot use any key of a token on which it sees one of this type.
  bool shows_ed25519 = false;
};

// From NAE_PKCS11, then from `reserved`, the text that C_Initialize was given, nullptr for none.
// Either: `socket=/run/nae/agent.sock token=NAE wait_ms=10000 ed25519=yes`, in any order and all of
// it optional. Of a program with more rights than its user the environment does not count.
// Code::config_invalid for anything else.
Result<Settings> load_settings(const char* reserved);

}  // namespace nae::pkcs11

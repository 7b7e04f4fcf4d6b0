#include "pkcs11/settings.hpp"

#include <stdlib.h>

#include <charconv>
#include <string_view>

namespace nae::pkcs11 {
namespace {

constexpr std::size_t kMaxSocketPathBytes = 107;  // sockaddr_un
constexpr std::size_t kMaxLabelBytes = 32;        // CK_TOKEN_INFO
constexpr std::size_t kMaxTextBytes = 4096;
constexpr long kMaxWaitMs = 600'000;

tl::unexpected<Error> wrong(std::string_view word) {
  return fail(Code::config_invalid, "NAE_PKCS11 or the module's argument: '" + std::string(word) +
                                        "' is not known or out of range");
}

Result<void> set(Settings& settings, std::string_view word) {
  const std::size_t equals = word.find('=');
  if (equals == std::string_view::npos) return wrong(word);
  const std::string_view name = word.substr(0, equals), value = word.substr(equals + 1);
  if (name == "socket" && value.starts_with('/') && value.size() <= kMaxSocketPathBytes) {
    settings.socket = value;
  } else if (name == "token" && !value.empty() && value.size() <= kMaxLabelBytes) {
    settings.token_label = value;
  } else if (name == "ed25519" && (value == "yes" || value == "no")) {
    settings.shows_ed25519 = value == "yes";
  } else if (name == "wait_ms") {
    long ms = -1;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), ms);
    if (error != std::errc{} || end != value.data() + value.size() || ms < 0 || ms > kMaxWaitMs)
      return wrong(word);
    settings.patience = std::chrono::milliseconds(ms);
  } else {
    return wrong(word);
  }
  return {};
}

Result<void> read(Settings& settings, const char* text) {
  std::string_view rest = text ? std::string_view(text) : std::string_view();
  if (rest.size() > kMaxTextBytes) return wrong("...");
  while (!rest.empty()) {
    const std::string_view word = rest.substr(0, rest.find_first_of(" \t"));
    rest.remove_prefix(std::min(rest.size(), word.size() + 1));
    if (!word.empty()) NAE_TRY(set(settings, word));
  }
  return {};
}

}  // namespace

Result<Settings> load_settings(const char* reserved) {
  Settings settings;
  NAE_TRY(read(settings, ::secure_getenv("NAE_PKCS11")));
  NAE_TRY(read(settings, reserved));
  return settings;
}

}  // namespace nae::pkcs11

#include "libnae/base/environment.hpp"

#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace nae {
namespace {

constexpr const char* kLeaking[] = {
    "SSLKEYLOGFILE",     // libcurl, OpenSSL since 3.5, NSS, GnuTLS: the secrets of TLS connections
    "QLOGDIR",           // OpenSSL since 3.3: what happens on QUIC connections
    "OSSL_QFILTER",      // and what of it
    "CURL_DEBUG",        // libcurl since 8.8: traces
    "KRB5_TRACE",        // MIT Kerberos below libcurl and libpq
    "P11_KIT_DEBUG",     // p11-kit: calls of PKCS#11 modules
    "PKCS11SPY",         // OpenSC's pkcs11-spy: the module that it stands before,
    "PKCS11SPY_OUTPUT",  // and where it writes every call with PINs and values
};

}  // namespace

std::span<const char* const> leaking_variables() {
  return kLeaking;
}

void drop_leaking_variables() {
  for (const char* name : kLeaking) ::unsetenv(name);
}

void drop_variables_of(std::string_view prefix) {
  std::vector<std::string> names;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view name = std::string_view(*entry).substr(0, std::strcspn(*entry, "="));
    if (name.starts_with(prefix)) names.emplace_back(name);
  }
  for (const std::string& name : names) ::unsetenv(name.c_str());
}

}  // namespace nae

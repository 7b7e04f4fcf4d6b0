#include "libnae/base/environment.hpp"

#include <cstdlib>

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

}  // namespace nae

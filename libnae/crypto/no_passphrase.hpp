// For readers of PEM: OpenSSL would otherwise ask for a passphrase on the terminal, also of a block
// that is no secret and only says that it is encrypted.
#pragma once

namespace nae::crypto {

// A pem_password_cb that has none.
inline int no_passphrase(char*, int, int, void*) {
  return -1;
}

}  // namespace nae::crypto

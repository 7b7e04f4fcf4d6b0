// A key server's session on its token. The words of libnae/pkcs11 are those of this folder, too.
#pragma once

#include "libnae/pkcs11/token.hpp"

namespace nae::hsm {

using namespace pkcs11;

// Session::open() on the token of this label. Code::unsupported, before the PIN is shown, for a
// token that lacks a mechanism which every key server needs; else as find_token().
Result<std::unique_ptr<Session>> open_session(const Module& module, const std::string& token_label,
                                              const crypto::SecretBytes& pin);

}  // namespace nae::hsm

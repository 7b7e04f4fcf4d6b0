// The public half of a custodian's smart card: all that is needed to give it a share.
#pragma once

#include <string>

#include "libnae/custody/custody_set.hpp"

namespace nae::custody {

struct Card {
  std::string holder;  // is_name()
  Sealing sealing{};
  Bytes public_key;  // SubjectPublicKeyInfo, DER; RSA-2048, RSA-3072 or RSA-4096
};

// `file`: one X.509 certificate, PEM or DER, or a public key in PEM. Nothing of a certificate but
// its key is used: who may hold a card is decided by who hands in the file. Code::invalid_argument
// when the holder is no name or the file holds no key; Code::unsupported for keys that do not
// decrypt; Code::key_type for other sizes; what check_strength() says of weak ones.
Result<Card> read_card(const std::string& holder, Sealing sealing, ByteView file);

// What a share record knows a card by.
crypto::Sha256Digest digest_of(const Card& card);

}  // namespace nae::custody

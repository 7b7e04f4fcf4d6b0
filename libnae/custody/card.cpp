#include "libnae/custody/card.hpp"

#include "libnae/base/text.hpp"
#include "libnae/crypto/certificate.hpp"
#include "libnae/crypto/key_strength.hpp"
#include "libnae/crypto/public_key.hpp"

namespace nae::custody {
namespace {

constexpr std::string_view kPublicKeyBegins = "-----BEGIN PUBLIC KEY-----";

Result<crypto::PublicKey> key_in(ByteView file) {
  if (as_text(file).find(kPublicKeyBegins) != std::string_view::npos)
    return crypto::PublicKey::from_pem(as_text(file));
  NAE_ASSIGN(const Bytes spki, crypto::public_key_in_certificate(file));
  return crypto::PublicKey::from_der(spki);
}

}  // namespace

Result<Card> read_card(const std::string& holder, Sealing sealing, ByteView file) {
  if (!is_name(holder) || holder.size() > kMaxHolderBytes)
    return fail(Code::invalid_argument, "a card's holder needs a name",
                "Letters, digits, '.', '_' and '-': the file's name without its suffix.");
  auto key = key_in(file);
  if (!key) {
    key.error().message = "the card of " + holder + ": " + key.error().message;
    return fail(std::move(key).error());
  }
  if (row(key->type()).family != KeyFamily::rsa)
    return fail(Code::key_type,
                "the card of " + holder + " has a key of type " + std::string(name(key->type())) +
                    ", which does not decrypt",
                "A share is sealed to RSA-2048, RSA-3072 or RSA-4096: in PIV the key of slot 9d.");
  if (auto strong = crypto::check_strength(*key); !strong) {
    strong.error().message = "the card of " + holder + ": " + strong.error().message;
    return fail(std::move(strong).error());
  }
  return Card{holder, sealing, key->der()};
}

crypto::Sha256Digest digest_of(const Card& card) {
  return crypto::sha256(card.public_key);
}

}  // namespace nae::custody

#include "libnae/custody/card_reader.hpp"

#include <algorithm>

#include "libnae/base/file.hpp"
#include "libnae/crypto/software_card.hpp"
#include "libnae/pkcs11/decrypting_key.hpp"
#include "libnae/pkcs11/module.hpp"
#include "libnae/pkcs11/pin_file.hpp"
#include "libnae/pkcs11/token.hpp"

namespace nae::custody {
namespace {

constexpr std::size_t kMaxCardBytes = 64u << 10;

Error named(const std::string& what, Error error) {
  error.message = what + ": " + error.message;
  return error;
}

class SoftwareCard final : public CardReader {
 public:
  static Result<std::unique_ptr<CardReader>> open(const SoftwareCardFiles& files) {
    NAE_ASSIGN(std::string pem, read_file(files.card, kMaxCardBytes));
    NAE_ASSIGN(pkcs11::Pin passphrase, pkcs11::read_pin(files.passphrase));
    auto spki = crypto::public_key_of_card(as_bytes(pem), passphrase.value);
    if (!spki) return fail(named(files.card.string(), spki.error()));
    return std::unique_ptr<CardReader>(new SoftwareCard(
        files.card.string(), *std::move(spki), std::move(pem), std::move(passphrase.value)));
  }

 private:
  SoftwareCard(std::string what, Bytes public_key, std::string pem, crypto::SecretBytes passphrase)
      : CardReader(std::move(what), {std::move(public_key)}),
        pem_(std::move(pem)),
        passphrase_(std::move(passphrase)) {}
  Result<crypto::SecretBytes> decrypt_by(const crypto::Sha256Digest&, Sealing sealing,
                                         ByteView ciphertext) const override {
    return crypto::decrypt_oaep(as_bytes(pem_), passphrase_, hash_of(sealing), ciphertext);
  }
  const std::string pem_;  // encrypted under the passphrase
  const crypto::SecretBytes passphrase_;
};

class ModuleCard final : public CardReader {
 public:
  static Result<std::unique_ptr<CardReader>> open(const TokenCard& card) {
    const std::string what = "the card '" + card.token_label + "'";
    NAE_ASSIGN(const pkcs11::Pin pin, pkcs11::read_pin(card.pin_file));
    NAE_ASSIGN(auto module, pkcs11::Module::load(card.module, ""));
    NAE_ASSIGN(const auto slot, pkcs11::find_token(*module, card.token_label));
    auto session = pkcs11::Session::open(*module, slot, pin.value);
    if (!session) return fail(named(what, session.error()));
    NAE_ASSIGN(auto keys, pkcs11::find_decrypting_keys(**session));
    if (keys.empty())
      return fail(Code::conflict, what + " holds no RSA key that decrypts",
                  "In PIV it is the key of slot 9d.");
    std::vector<Bytes> public_keys;
    for (const pkcs11::DecryptingKey& key : keys) public_keys.push_back(key.spki);
    return std::unique_ptr<CardReader>(new ModuleCard(
        what, std::move(public_keys), std::move(module), *std::move(session), std::move(keys)));
  }

 private:
  ModuleCard(std::string what, std::vector<Bytes> public_keys,
             std::unique_ptr<pkcs11::Module> module, std::unique_ptr<pkcs11::Session> session,
             std::vector<pkcs11::DecryptingKey> keys)
      : CardReader(std::move(what), std::move(public_keys)),
        module_(std::move(module)),
        session_(std::move(session)),
        objects_(std::move(keys)) {}
  Result<crypto::SecretBytes> decrypt_by(const crypto::Sha256Digest& key, Sealing sealing,
                                         ByteView ciphertext) const override {
    const auto found = std::ranges::find(objects_, key, &pkcs11::DecryptingKey::public_key);
    return pkcs11::decrypt_oaep(*session_, *found, hash_of(sealing), ciphertext);
  }
  const std::unique_ptr<pkcs11::Module> module_;  // outlives the session
  const std::unique_ptr<pkcs11::Session> session_;
  const std::vector<pkcs11::DecryptingKey> objects_;
};

}  // namespace

Result<std::unique_ptr<CardReader>> CardReader::open(const SoftwareCardFiles& card) {
  return SoftwareCard::open(card);
}

Result<std::unique_ptr<CardReader>> CardReader::open(const TokenCard& card) {
  return ModuleCard::open(card);
}

bool CardReader::has(const crypto::Sha256Digest& key) const {
  return std::ranges::any_of(public_keys_,
                             [&](const Bytes& spki) { return crypto::sha256(spki) == key; });
}

Result<std::size_t> CardReader::find_share(const CustodySet& set) const {
  for (std::size_t i = 0; i < set.n(); ++i)
    if (has(set.shares[i].card)) return i;
  return fail(Code::conflict, what_ + " is no card of this custody file",
              "It is of another group, or its holder was a custodian at another time.");
}

Result<crypto::SecretBytes> CardReader::decrypt(const ShareRecord& record,
                                                ByteView ciphertext) const {
  if (!has(record.card)) return fail(Code::conflict, what_ + " is not that of " + record.holder);
  auto opened = decrypt_by(record.card, record.sealing, ciphertext);
  if (!opened) return fail(named("the card of " + record.holder, opened.error()));
  return opened;
}

}  // namespace nae::custody

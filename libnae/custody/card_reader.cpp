#include "libnae/custody/card_reader.hpp"

#include <algorithm>

#include "libnae/base/file.hpp"
#include "libnae/crypto/software_card.hpp"
#include "libnae/custody/bounded.hpp"
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

std::string name_of(const TokenCard& card) {
  return "the card '" + card.token_label + "'";
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

// Of a card behind a module. Shared with the threads that ask it: one that hangs outlives the
// reader.
struct OpenCard {
  std::unique_ptr<pkcs11::Module> module;  // outlives the session
  std::unique_ptr<pkcs11::Session> session;
  std::vector<pkcs11::DecryptingKey> keys;
};

Result<std::shared_ptr<const OpenCard>> open_card(const TokenCard& card) {
  auto opened = std::make_shared<OpenCard>();
  NAE_ASSIGN(const pkcs11::Pin pin, pkcs11::read_pin(card.pin_file));
  auto module = pkcs11::Module::load(card.module, "");
  if (!module) {
    Error error = named(name_of(card) + " behind " + card.module.string(), module.error());
    if (error.code == Code::hsm_failed)
      error.hint = "Look whether what the module needs is there: its reader, service or TPM.";
    return fail(std::move(error));
  }
  opened->module = *std::move(module);
  NAE_ASSIGN(const auto slot, pkcs11::find_token(*opened->module, card.token_label));
  auto session = pkcs11::Session::open(*opened->module, slot, pin.value);
  if (!session) {
    Error error = named(name_of(card), session.error());
    if (error.code == Code::hsm_pin_rejected)
      error.hint =
          "Correct the file of its PIN before the next try: a card locks after a few wrong ones, "
          "and takes its PUK then.";
    return fail(std::move(error));
  }
  opened->session = *std::move(session);
  NAE_ASSIGN(opened->keys, pkcs11::find_decrypting_keys(*opened->session));
  return opened;
}

class ModuleCard final : public CardReader {
 public:
  using Opened = std::shared_ptr<const OpenCard>;

  static Result<std::unique_ptr<CardReader>> open(const TokenCard& card) {
    auto opened = bounded<Opened>(card.patience, [card] { return open_card(card); });
    if (!opened && opened.error().code == Code::timeout)
      return fail(named(name_of(card), opened.error()));
    if (!opened) return fail(std::move(opened).error());
    if ((*opened)->keys.empty())
      return fail(Code::conflict, name_of(card) + " holds no RSA key that decrypts",
                  "In PIV it is the key of slot 9d.");
    std::vector<Bytes> public_keys;
    for (const pkcs11::DecryptingKey& key : (*opened)->keys) public_keys.push_back(key.spki);
    return std::unique_ptr<CardReader>(
        new ModuleCard(name_of(card), std::move(public_keys), *std::move(opened), card.patience));
  }
  // The session is closed and the module ended, which takes an answer as well.
  ~ModuleCard() override {
    (void)bounded<void>(patience_, [opened = std::move(opened_)]() mutable -> Result<void> {
      opened.reset();
      return {};
    });
  }

 private:
  ModuleCard(std::string what, std::vector<Bytes> public_keys, Opened opened,
             std::chrono::milliseconds patience)
      : CardReader(std::move(what), std::move(public_keys)),
        opened_(std::move(opened)),
        patience_(patience) {}
  Result<crypto::SecretBytes> decrypt_by(const crypto::Sha256Digest& key, Sealing sealing,
                                         ByteView ciphertext) const override {
    return bounded<crypto::SecretBytes>(
        patience_,
        [opened = opened_, key, sealing, ciphertext = Bytes(ciphertext.begin(), ciphertext.end())] {
          const auto found =
              std::ranges::find(opened->keys, key, &pkcs11::DecryptingKey::public_key);
          return pkcs11::decrypt_oaep(*opened->session, *found, hash_of(sealing), ciphertext);
        });
  }
  Opened opened_;
  const std::chrono::milliseconds patience_;
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
  if (!opened) {
    Error error = named("the card of " + record.holder, opened.error());
    if (error.code == Code::hsm_unavailable)
      error.hint = "Put the card in again and begin anew: what other cards gave is not kept.";
    return fail(std::move(error));
  }
  return opened;
}

}  // namespace nae::custody

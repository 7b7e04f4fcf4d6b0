// A custodian's card that is in and unlocked: it opens what is sealed to it.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "libnae/crypto/secret.hpp"
#include "libnae/custody/custody_set.hpp"

namespace nae::custody {

// A card in software: crypto/software_card.hpp.
struct SoftwareCardFiles {
  std::filesystem::path card, passphrase;
};
// A card that a PKCS#11 module reaches, by its token's label.
struct TokenCard {
  std::filesystem::path module;
  std::string token_label;
  std::filesystem::path pin_file;
  // For its answer to each of: PIN, decryption. Some cards wait for a finger.
  std::chrono::milliseconds patience = std::chrono::seconds(30);
};

class CardReader {
 public:
  // One attempt at passphrase or PIN. Code::authentication_failed for a wrong passphrase or a file
  // that is no card; Code::hsm_pin_rejected for a wrong PIN, Code::hsm_token_missing and
  // Code::hsm_module_missing for a card that is not there; Code::timeout for one whose reader
  // hangs; Code::file_failed for its files.
  static Result<std::unique_ptr<CardReader>> open(const SoftwareCardFiles& card);
  static Result<std::unique_ptr<CardReader>> open(const TokenCard& card);
  virtual ~CardReader() = default;

  // Which share of `set` is sealed to it. Code::conflict when none is.
  Result<std::size_t> find_share(const CustodySet& set) const;
  // By the key that `record` knows by its digest, and as its sealing says. One attempt.
  // Code::conflict when the card has no such key; Code::authentication_failed when `ciphertext` is
  // not sealed to it; Code::hsm_unavailable when it was taken out meanwhile; Code::timeout. The
  // holder is named.
  Result<crypto::SecretBytes> decrypt(const ShareRecord& record, ByteView ciphertext) const;
  // SubjectPublicKeyInfo, DER, of each key that decrypts.
  const std::vector<Bytes>& public_keys() const { return public_keys_; }

 protected:
  CardReader(std::string what, std::vector<Bytes> public_keys)
      : what_(std::move(what)), public_keys_(std::move(public_keys)) {}

 private:
  bool has(const crypto::Sha256Digest& key) const;
  virtual Result<crypto::SecretBytes> decrypt_by(const crypto::Sha256Digest& key, Sealing sealing,
                                                 ByteView ciphertext) const = 0;
  const std::string what_;  // "the card 'alice'"
  const std::vector<Bytes> public_keys_;
};

}  // namespace nae::custody

// libFuzzer: keys that were made elsewhere, on their way into the HSM: files as `nae key import`
// and `nae key wrap` read them, what is in a wrapping, and wrappings as whoever may import sends
// them. What the command takes the HSM takes; what a wrapping is refused for does not tell what RSA
// or AES made of it; what is imported computes what the key computes elsewhere.
#include <algorithm>

#include "cli/key_material.hpp"
#include "keyserver/hsm/test_token.hpp"
#include "libnae/base/text.hpp"
#include "libnae/crypto/hmac.hpp"
#include "libnae/crypto/key_transport.hpp"
#include "libnae/crypto/private_key.hpp"
#include "libnae/crypto/public_key.hpp"
#include "tests/fuzz/memory_file.hpp"
#include "tests/fuzz/property.hpp"
#include "tests/fuzz/secure_heap.hpp"

using namespace nae;
using namespace nae::fuzz;

namespace {

constexpr KeyVersionId kId{KeyId{{1, 2, 3, 4, 5, 6}}, 1};
constexpr KeyType kTypes[] = {KeyType::hmac_sha_256_raw, KeyType::aes_256_gcm, KeyType::ecdsa_p256,
                              KeyType::ecdsa_p384,       KeyType::rsa_2048,    KeyType::aes_256_siv,
                              KeyType::hmac_sha_256,     KeyType::ed25519};
constexpr const char* kEncodings[] = {"raw", "hex", "base64", "raw"};
// Of P-256, for what has none of its own: RFC 6979 A.2.5.
constexpr char kPublicKey[] =
    "3059301306072a8648ce3d020106082a8648ce3d0301070342000460fed4ba255a9d31c961eb74c6356d68c049b892"
    "3b61fa6ce669622e60f29fb67903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299";

// A real token with its import key.
class ImportingHsm {
 public:
  ImportingHsm()
      : hsm_(must(hsm::Pkcs11Hsm::open(token_.options()))), import_key_(must(hsm_->import_key())) {}

  Bytes wrap(const crypto::SecretBytes& key) const {
    return must(crypto::wrap_for_transport(import_key_.public_key, import_key_.hash, key));
  }
  Result<keys::Material> import(KeyType type, const keys::Import& sent) {
    auto material = hsm_->import(kId, type, keys::Protection::wrapped, sent);
    if (!material) require_refusal(material.error());
    return material;
  }
  Bytes mac(const keys::Material& material, ByteView data) {
    Bytes code(keys::kHmacBytes);
    const keys::HsmKey key{kId, KeyType::hmac_sha_256_raw, material, keys::Protection::wrapped};
    require(hsm_->mac(key, {}, data, std::span<Byte, keys::kHmacBytes>(code)).has_value());
    require(hsm_->forget(key, true).has_value());
    return code;
  }

 private:
  template <class T>
  static T must(Result<T> result) {
    require(result.has_value());
    return std::move(*result);
  }
  hsm::TestToken token_;
  std::unique_ptr<hsm::Pkcs11Hsm> hsm_;
  keys::ImportKey import_key_;
};

ImportingHsm& token() {
  static ImportingHsm only;
  return only;
}

crypto::SecretBytes secret_of(ByteView bytes) {
  crypto::SecretBytes secret(bytes.size());
  std::ranges::copy(bytes, secret.expose_for_writing().begin());
  return secret;
}

void check_imported(KeyType type, const keys::Material& material, ByteView secret) {
  require(!material.wrapped.empty());
  if (type != KeyType::hmac_sha_256_raw) return;
  const ByteView data = as_bytes("nae");
  crypto::Sha256Digest elsewhere;
  crypto::HmacSha256(secret_of(secret)).compute(data, elsewhere);
  require(std::ranges::equal(token().mac(material, data), elsewhere));
}

void check_file(KeyType type, const char* encoding, std::string_view text) {
  static const MemoryFile file;
  file.write(text);
  auto read = cli::material_in(file.path(), type, encoding);
  if (!read) return require_refusal(read.error());
  keys::Import sent;
  sent.wrapped = token().wrap(read->key);
  if (cli::is_private(type)) {
    auto key = crypto::PublicKey::from_pem(read->public_key_pem);
    require(key && key->type() == type);
    sent.public_key = key->der();
  }
  auto imported = token().import(type, sent);
  // One byte repeated is for the HSM to find.
  if (!imported)
    require(imported.error().code == Code::invalid_argument && !cli::is_private(type));
  else
    check_imported(type, *imported, read->key.expose());
}

void check_content(KeyType type, ByteView content) {
  if (content.empty()) return;
  const crypto::SecretBytes secret = secret_of(content);
  keys::Import sent;
  sent.wrapped = token().wrap(secret);
  if (cli::is_private(type)) {
    auto key = crypto::read_private_key(secret);
    sent.public_key = key ? key->public_key : *from_hex(kPublicKey);
  }
  auto imported = token().import(type, sent);
  if (!imported) return;
  require(sent.wrapped.size() <= keys::kMaxImportBytes);
  check_imported(type, *imported, content);
}

// Whoever wraps for the import key has it in hand; what is no wrapping is told nothing.
void check_wrapping(KeyType type, ByteView wrapped) {
  keys::Import sent;
  sent.wrapped.assign(wrapped.begin(), wrapped.end());
  if (cli::is_private(type)) sent.public_key = *from_hex(kPublicKey);
  auto imported = token().import(type, sent);
  require(!imported);
  const bool of_the_request = type != KeyType::ecdsa_p256 && type != KeyType::aes_256_gcm &&
                              type != KeyType::aes_256_siv && type != KeyType::hmac_sha_256_raw;
  require(of_the_request || imported.error().code == Code::authentication_failed);
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  take_secure_heap();
  token();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const KeyType type = kTypes[data[0] % std::size(kTypes)];
  const ByteView rest(data + 2, size - 2);
  switch (data[1] % 3) {
    case 0:
      check_file(type, kEncodings[data[1] / 3 % 4], as_text(rest));
      break;
    case 1:
      check_content(type, rest);
      break;
    default:
      check_wrapping(type, rest);
  }
  return 0;
}

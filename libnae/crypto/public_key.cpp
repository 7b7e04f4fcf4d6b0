#include "libnae/crypto/public_key.hpp"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <array>
#include <climits>
#include <new>
#include <optional>

#include "libnae/crypto/key_file.hpp"
#include "libnae/crypto/no_passphrase.hpp"

namespace nae::crypto {
namespace {

// OpenSSL queues errors per thread; a refused key or signature must not be found there later by
// somebody else's call.
struct ErrorQueue {
  ErrorQueue() { ERR_set_mark(); }
  ~ErrorQueue() { ERR_pop_to_mark(); }
  ErrorQueue(const ErrorQueue&) = delete;
};

bool is_of(const KeyTypeRow& type, const EVP_PKEY* key) {
  switch (type.family) {
    case KeyFamily::aes:
    case KeyFamily::hmac:
    case KeyFamily::aes_raw:
      return false;
    case KeyFamily::rsa:
    case KeyFamily::rsa_decrypt:
      return EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA && EVP_PKEY_get_bits(key) == type.bits;
    case KeyFamily::ec:
    case KeyFamily::ecdh: {
      std::array<char, 64> curve{};
      return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
             EVP_PKEY_get_group_name(key, curve.data(), curve.size(), nullptr) == 1 &&
             OBJ_sn2nid(curve.data()) == EC_curve_nist2nid(type.curve.data());
    }
    case KeyFamily::edwards:
    case KeyFamily::xdh:
      return EVP_PKEY_is_a(key, type.curve.data()) == 1;
  }
  return false;
}

std::optional<KeyType> type_of(const EVP_PKEY* key) {
  for (const KeyTypeRow& type : key_types())
    if (allows(type.type, Action::verify) && is_of(type, key)) return type.type;
  return std::nullopt;
}

}  // namespace

Result<PublicKey::Pkey> PublicKey::parse(ByteView spki) {
  if (spki.size() > LONG_MAX) return fail(Code::invalid_argument, "not a public key");
  const unsigned char* at = spki.data();
  Pkey key(d2i_PUBKEY(nullptr, &at, static_cast<long>(spki.size())));
  if (!key || at != spki.data() + spki.size())
    return fail(Code::invalid_argument, "not a public key in SubjectPublicKeyInfo form");
  return key;
}

Result<PublicKey> PublicKey::of_type(KeyType type, ByteView spki) {
  ErrorQueue errors;
  NAE_ASSIGN(Pkey key, parse(spki));
  if (!is_of(row(type), key.get()))
    return fail(Code::invalid_argument,
                "the public key is not one of type " + std::string(name(type)));
  return PublicKey(std::move(key), type);
}

Result<PublicKey> PublicKey::from_der(ByteView spki) {
  ErrorQueue errors;
  NAE_ASSIGN(Pkey key, parse(spki));
  auto type = type_of(key.get());
  if (!type) return fail(unsupported_key(key.get()));
  return PublicKey(std::move(key), *type);
}

Result<PublicKey::Pkey> PublicKey::parse(std::string_view pem) {
  using Bio = handle<BIO, BIO_free>;
  if (pem.size() > INT_MAX) return fail(Code::invalid_argument, "not a public key");
  Bio in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (!in) throw std::bad_alloc();
  Pkey key(PEM_read_bio_PUBKEY(in.get(), nullptr, no_passphrase, nullptr));
  if (!key) return fail(Code::invalid_argument, "not a public key in PEM form");
  char rest = 0;
  while (BIO_read(in.get(), &rest, 1) == 1)
    if (rest != ' ' && rest != '\t' && rest != '\r' && rest != '\n')
      return fail(Code::invalid_argument, "something follows the public key");
  return key;
}

Result<Bytes> PublicKey::der_in(std::string_view pem) {
  ErrorQueue errors;
  NAE_ASSIGN(Pkey key, parse(pem));
  return PublicKey(std::move(key), KeyType{}).der();
}

Result<PublicKey> PublicKey::from_pem(std::string_view pem) {
  ErrorQueue errors;
  NAE_ASSIGN(Pkey key, parse(pem));
  auto type = type_of(key.get());
  if (!type) return fail(unsupported_key(key.get()));
  return PublicKey(std::move(key), *type);
}

Result<bool> PublicKey::verify(SignatureScheme scheme, ByteView message, ByteView signature) const {
  if (scheme == SignatureScheme::key_default) scheme = default_scheme(type_);
  const SchemeRow* known = find_row(scheme);
  if (!known || !fits(scheme, type_))
    return fail(Code::key_type, "the key does not make signatures of this scheme");
  ErrorQueue errors;
  handle<EVP_MD_CTX, EVP_MD_CTX_free> context(EVP_MD_CTX_new());
  if (!context) throw std::bad_alloc();
  EVP_PKEY_CTX* parameters = nullptr;  // belongs to the context
  const char* hash = known->hash ? name(*known->hash).data() : nullptr;
  if (EVP_DigestVerifyInit_ex(context.get(), &parameters, hash, nullptr, nullptr, pkey_.get(),
                              nullptr) != 1)
    return fail(Code::unsupported, "this OpenSSL does not verify " + std::string(known->name));
  // RFC 8017 leaves the salt's length open; a fixed one keeps one message, one form.
  if (known->method == SignatureMethod::rsa_pss &&
      (EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) != 1 ||
       EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) != 1))
    return fail(Code::internal, "PSS parameters were refused");
  return EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(),
                          message.size()) == 1;
}

Result<bool> PublicKey::verify_digest(SignatureScheme scheme, ByteView digest,
                                      ByteView signature) const {
  const SchemeRow* known = find_row(scheme);
  if (!known || !fits(scheme, type_))
    return fail(Code::key_type, "the key does not make signatures of this scheme");
  if (!known->hash)
    return fail(Code::unsupported, std::string(known->name) + " signs messages, not digests");
  if (digest.size() != digest_bytes(*known->hash))
    return fail(Code::invalid_argument, "a digest of another length than the scheme's");
  ErrorQueue errors;
  handle<EVP_MD, EVP_MD_free> hash(EVP_MD_fetch(nullptr, name(*known->hash).data(), nullptr));
  handle<EVP_PKEY_CTX, EVP_PKEY_CTX_free> context(EVP_PKEY_CTX_new(pkey_.get(), nullptr));
  if (!context) throw std::bad_alloc();
  const int padding =
      known->method == SignatureMethod::rsa_pss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING;
  const bool is_rsa = known->method != SignatureMethod::ecdsa;
  if (!hash || EVP_PKEY_verify_init(context.get()) != 1 ||
      (is_rsa && EVP_PKEY_CTX_set_rsa_padding(context.get(), padding) != 1) ||
      EVP_PKEY_CTX_set_signature_md(context.get(), hash.get()) != 1 ||
      (padding == RSA_PKCS1_PSS_PADDING && is_rsa &&
       EVP_PKEY_CTX_set_rsa_pss_saltlen(context.get(), RSA_PSS_SALTLEN_DIGEST) != 1))
    return fail(Code::unsupported, "this OpenSSL does not verify " + std::string(known->name));
  return EVP_PKEY_verify(context.get(), signature.data(), signature.size(), digest.data(),
                         digest.size()) == 1;
}

std::string PublicKey::pem() const {
  handle<BIO, BIO_free_all> memory(BIO_new(BIO_s_mem()));
  if (!memory || PEM_write_bio_PUBKEY(memory.get(), pkey_.get()) != 1) throw std::bad_alloc();
  char* text = nullptr;
  long size = BIO_get_mem_data(memory.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

Bytes PublicKey::der() const {
  int size = i2d_PUBKEY(pkey_.get(), nullptr);
  if (size <= 0) throw std::bad_alloc();
  Bytes out(static_cast<std::size_t>(size));
  unsigned char* at = out.data();
  i2d_PUBKEY(pkey_.get(), &at);
  return out;
}

}  // namespace nae::crypto

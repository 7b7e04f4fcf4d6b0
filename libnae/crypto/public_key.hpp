// Public keys: verifying signatures needs no HSM.
#pragma once

#include <memory>
#include <string>

#include "libnae/base/algorithm.hpp"
#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"
#include "libnae/crypto/handle.hpp"

extern "C" {
struct evp_pkey_st;
void EVP_PKEY_free(evp_pkey_st*);
}

namespace nae::crypto {

// Parsed once, used by many threads.
class PublicKey {
 public:
  // SubjectPublicKeyInfo (RFC 5280), DER. Code::invalid_argument when malformed or followed by
  // anything, Code::unsupported for a key that is none of our KeyTypes that sign.
  static Result<PublicKey> from_der(ByteView subject_public_key_info);

  // The same of a key that may serve another purpose than signatures, which its numbers do not say.
  // Code::invalid_argument for a key of another type.
  static Result<PublicKey> of_type(KeyType type, ByteView subject_public_key_info);

  // One "-----BEGIN PUBLIC KEY-----" block and nothing after it but white space; else as from_der.
  static Result<PublicKey> from_pem(std::string_view pem);

  // SubjectPublicKeyInfo of a PEM block as from_pem takes it, whatever key is in it.
  static Result<Bytes> der_in(std::string_view pem);

  KeyType type() const { return type_; }

  // Whether `signature` is one of `message` by this key. Code::key_type when the scheme is not one
  // of this key's type. `scheme` key_default means default_scheme(type()).
  Result<bool> verify(SignatureScheme scheme, ByteView message, ByteView signature) const;
  // The same of a message whose digest by the scheme's hash is `digest`. Code::unsupported for a
  // scheme that takes the message itself, Code::invalid_argument for a digest of another length.
  Result<bool> verify_digest(SignatureScheme scheme, ByteView digest, ByteView signature) const;

  std::string pem() const;  // "-----BEGIN PUBLIC KEY-----" and so on
  Bytes der() const;        // SubjectPublicKeyInfo

 private:
  using Pkey = handle<evp_pkey_st, EVP_PKEY_free>;
  static Result<Pkey> parse(ByteView spki);
  static Result<Pkey> parse(std::string_view pem);
  PublicKey(Pkey pkey, KeyType type) : pkey_(std::move(pkey)), type_(type) {}
  Pkey pkey_;
  KeyType type_;
};

}  // namespace nae::crypto

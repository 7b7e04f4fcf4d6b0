#include "libnae/crypto/working_key.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace nae::crypto {
namespace {

// The salt makes the working key unique, the counter makes the nonce unique under it. The lease
// makes it so where two processes hold the same salt and counter.
Nonce nonce_of(const LeaseCounter& at) {
  Nonce nonce;
  std::copy(at.lease.begin(), at.lease.end(), nonce.begin());
  store_big_endian(nonce.data() + kLeaseBytes, at.counter);
  return nonce;
}

std::array<Byte, kTokenHeaderBytes> siv_header(const KeyVersionId& id) {
  std::array<Byte, kTokenHeaderBytes> header;
  write_siv_header(header.data(), id);
  return header;
}

// Sizes are the caller's arithmetic, not input: a wrong one is a fault here, and writing past
// `out` would be worse than ending the request.
void require_size(std::size_t size, std::size_t expected) {
  if (size != expected) throw std::length_error("output of the wrong size for an envelope");
}

Result<void> changed() {
  return fail(Code::authentication_failed, "the envelope does not authenticate");
}
Result<void> wrong_key() {
  return fail(Code::internal, "a working key of another envelope");
}

}  // namespace

SivWorkingKey::SivWorkingKey(const KeyVersionId& key_id, const SecretBytes& secret)
    : id(key_id), cipher(secret, siv_header(key_id)) {}

const KeyPurpose& gcm_purpose(Format format) {
  switch (format) {
    case Format::aes_256_gcm:
      return kGcmPurpose;
    case Format::aes_256_gcm_lease:
      return kLeaseGcmPurpose;
    default:
      throw std::logic_error("no working key of AES-GCM is derived for this format");
  }
}

void seal_gcm(const GcmWorkingKey& key, const LeaseCounter& at, ByteView aad, ByteView plaintext,
              ByteSpan out) {
  require_size(out.size(), plaintext.size() + kGcmOverheadBytes);
  if (key.salt.format == Format::aes_256_gcm_lease)
    write_lease_gcm_header(out.data(), key.id, key.salt.bytes, at.lease, at.counter);
  else if (at.lease == Lease{})
    write_gcm_header(out.data(), key.id, key.salt.bytes, at.counter);
  else
    throw std::logic_error("a lease that the envelope has no place for");
  key.cipher->seal(nonce_of(at), out.first(kGcmHeaderBytes), aad, plaintext,
                   out.subspan(kGcmHeaderBytes, plaintext.size()), out.last<kTagBytes>());
}

void seal_siv(const SivWorkingKey& key, ByteView aad, ByteView plaintext, ByteSpan out) {
  require_size(out.size(), plaintext.size() + kSivOverheadBytes);
  write_siv_header(out.data(), key.id);
  key.cipher.seal(aad, plaintext, out.subspan<kTokenHeaderBytes, kTagBytes>(),
                  out.subspan(kSivOverheadBytes));
}

Result<void> open_gcm(const GcmWorkingKey& key, const EnvelopeView& envelope, ByteView aad,
                      ByteSpan out) {
  require_size(out.size(), envelope.ciphertext.size());
  if (envelope.key != key.id || envelope.gcm_salt() != key.salt) return wrong_key();
  if (!key.cipher->open(envelope.nonce, envelope.header, aad, envelope.ciphertext,
                        envelope.tag.first<kTagBytes>(), out))
    return changed();
  return {};
}

Result<void> open_siv(const SivWorkingKey& key, const EnvelopeView& envelope, ByteView aad,
                      ByteSpan out) {
  require_size(out.size(), envelope.ciphertext.size());
  if (envelope.format != Format::aes_256_siv || envelope.key != key.id) return wrong_key();
  if (!key.cipher.open(aad, envelope.tag.first<kTagBytes>(), envelope.ciphertext, out))
    return changed();
  return {};
}

void write_mac(const MacWorkingKey& key, ByteView data, std::span<Byte, kMacTokenBytes> out) {
  write_token_header(out.data(), static_cast<std::uint8_t>(Format::hmac_sha_256), key.id);
  key.hmac.compute(data, out.last<kSha256Bytes>());
}

Result<bool> verify_mac(const MacWorkingKey& key, ByteView data, const TokenView& token) {
  if (token.format != static_cast<std::uint8_t>(Format::hmac_sha_256) || token.key != key.id)
    return fail(Code::internal, "a working key of another message authentication code");
  return key.hmac.verify(data, token.value);
}

void write_blind_index(const MacWorkingKey& key, ByteView data,
                       std::span<Byte, kBlindIndexBytes> out) {
  Sha256Digest code;
  key.hmac.compute(data, code);
  std::copy_n(code.begin(), kBlindIndexBytes, out.begin());
  OPENSSL_cleanse(code.data(), code.size());
}

void write_blind_index_code(const MacWorkingKey& key, ByteView input,
                            std::span<Byte, kBlindIndexCodeBytes> out) {
  write_blind_index_header(out.data(), Format::blind_index, key.id.version);
  write_blind_index(key, input, out.last<kBlindIndexBytes>());
}

void write_search_codes(const MacWorkingKey& key, const SearchInputView& input, ByteSpan out) {
  Bytes message(input.head.begin(), input.head.end());
  Sha256Digest code;
  for (ByteView tokens = input.tokens; !tokens.empty(); out = out.subspan(kSearchCodeBytes)) {
    const ByteView token = take_search_token(tokens);
    message.resize(input.head.size());
    message.insert(message.end(), token.begin(), token.end());
    key.hmac.compute(message, code);
    store_big_endian(out.data(), search_code(code, input.bits));
  }
  OPENSSL_cleanse(message.data(), message.size());
  OPENSSL_cleanse(code.data(), code.size());
}

}  // namespace nae::crypto

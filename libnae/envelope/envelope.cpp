#include "libnae/envelope/envelope.hpp"

#include <algorithm>

namespace nae {
namespace {

constexpr std::size_t kKeyIdOffset = 1;
constexpr std::size_t kVersionOffset = kKeyIdOffset + kKeyIdBytes;
constexpr std::size_t kSaltOffset = kVersionOffset + 2;
constexpr std::size_t kCounterOffset = kSaltOffset + kSaltBytes;
static_assert(kCounterOffset + 4 == kGcmHeaderBytes);
constexpr std::size_t kLeaseOffset = kSaltOffset + kLeaseSaltBytes;
constexpr std::size_t kLeaseCounterOffset = kLeaseOffset + kLeaseBytes;
static_assert(kLeaseCounterOffset + kLeaseCounterBytes == kGcmHeaderBytes);
constexpr std::size_t kNonceOffset = kVersionOffset + 2;
static_assert(kNonceOffset + kNonceBytes == kHsmGcmHeaderBytes);

KeyVersionId read_key(ByteView bytes) {
  KeyVersionId key;
  std::copy_n(bytes.begin() + kKeyIdOffset, kKeyIdBytes, key.key.bytes.begin());
  key.version = load_big_endian<std::uint16_t>(bytes.data() + kVersionOffset);
  return key;
}

// The header's length for the format of these bytes; 0 when they are no envelope.
std::size_t header_bytes(ByteView bytes) {
  if (bytes.empty()) return 0;
  switch (static_cast<Format>(bytes[0])) {
    case Format::aes_256_gcm:
    case Format::aes_256_gcm_lease:
      return bytes.size() >= kGcmOverheadBytes ? kGcmHeaderBytes : 0;
    case Format::aes_256_siv:
      return bytes.size() >= kSivOverheadBytes ? kTokenHeaderBytes : 0;
    case Format::aes_256_gcm_hsm:
      return bytes.size() >= kHsmGcmOverheadBytes ? kHsmGcmHeaderBytes : 0;
    default:
      return 0;
  }
}

}  // namespace

bool looks_like_envelope(ByteView bytes) {
  return header_bytes(bytes) != 0 &&
         load_big_endian<std::uint16_t>(bytes.data() + kVersionOffset) != 0;
}

Result<EnvelopeView> parse_envelope(ByteView bytes) {
  if (!looks_like_envelope(bytes)) return fail(Code::envelope_malformed, "not an envelope");
  std::size_t header = header_bytes(bytes);
  EnvelopeView view;
  view.format = static_cast<Format>(bytes[0]);
  view.key = read_key(bytes);
  view.header = bytes.first(header);
  ByteView sealed = bytes.subspan(header);
  if (view.format == Format::aes_256_siv) {  // RFC 5297 puts the synthetic IV first
    view.tag = sealed.first(kTagBytes);
    view.ciphertext = sealed.subspan(kTagBytes);
    return view;
  }
  if (view.format == Format::aes_256_gcm) {
    std::copy_n(bytes.begin() + kSaltOffset, kSaltBytes, view.salt.begin());
    view.counter = load_big_endian<std::uint32_t>(bytes.data() + kCounterOffset);
    store_big_endian(view.nonce.data() + kNonceBytes - 4, view.counter);
  } else if (view.format == Format::aes_256_gcm_lease) {
    std::copy_n(bytes.begin() + kSaltOffset, kLeaseSaltBytes, view.salt.begin());
    // Lease and counter stand together in the header; the counter has a byte less than in the
    // nonce.
    std::copy_n(bytes.begin() + kLeaseOffset, kLeaseBytes, view.nonce.begin());
    std::copy_n(bytes.begin() + kLeaseCounterOffset, kLeaseCounterBytes,
                view.nonce.end() - kLeaseCounterBytes);
    view.counter = load_big_endian<std::uint32_t>(view.nonce.data() + kNonceBytes - 4);
  } else {
    std::copy_n(bytes.begin() + kNonceOffset, kNonceBytes, view.nonce.begin());
  }
  view.ciphertext = sealed.first(sealed.size() - kTagBytes);
  view.tag = sealed.last(kTagBytes);
  return view;
}

void write_token_header(Byte* out, std::uint8_t format, const KeyVersionId& key) {
  out[0] = format;
  std::copy(key.key.bytes.begin(), key.key.bytes.end(), out + kKeyIdOffset);
  store_big_endian(out + kVersionOffset, key.version);
}

void write_gcm_header(Byte* out, const KeyVersionId& key, const Salt& salt, std::uint32_t counter) {
  write_token_header(out, static_cast<std::uint8_t>(Format::aes_256_gcm), key);
  std::copy(salt.begin(), salt.end(), out + kSaltOffset);
  store_big_endian(out + kCounterOffset, counter);
}

void write_lease_gcm_header(Byte* out, const KeyVersionId& key, const Salt& salt,
                            const Lease& lease, std::uint32_t counter) {
  write_token_header(out, static_cast<std::uint8_t>(Format::aes_256_gcm_lease), key);
  std::copy_n(salt.begin(), kLeaseSaltBytes, out + kSaltOffset);
  std::copy(lease.begin(), lease.end(), out + kLeaseOffset);
  std::array<Byte, 4> number;
  store_big_endian(number.data(), counter);
  std::copy(number.end() - kLeaseCounterBytes, number.end(), out + kLeaseCounterOffset);
}

void write_siv_header(Byte* out, const KeyVersionId& key) {
  write_token_header(out, static_cast<std::uint8_t>(Format::aes_256_siv), key);
}

void write_hsm_gcm_header(Byte* out, const KeyVersionId& key, const Nonce& nonce) {
  write_token_header(out, static_cast<std::uint8_t>(Format::aes_256_gcm_hsm), key);
  std::copy(nonce.begin(), nonce.end(), out + kNonceOffset);
}

bool is_mac_format(std::uint8_t format) {
  switch (static_cast<Format>(format)) {
    case Format::hmac_sha_256:
    case Format::hmac_sha_256_raw:
    case Format::hmac_sha_256_hsm:
      return true;
    default:
      return false;
  }
}

Result<TokenView> parse_token(ByteView bytes) {
  if (bytes.size() <= kTokenHeaderBytes) return fail(Code::signature_malformed, "too short");
  TokenView view{bytes[0], read_key(bytes), bytes.subspan(kTokenHeaderBytes)};
  bool known =
      is_mac_format(view.format) || find_row(static_cast<SignatureScheme>(view.format)) != nullptr;
  if (!known || view.key.version == 0)
    return fail(Code::signature_malformed, "not a signature or message authentication code");
  return view;
}

}  // namespace nae

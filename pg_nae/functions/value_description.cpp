#include "pg_nae/functions/value_description.hpp"

namespace nae::functions {
namespace {

// What of a header was drawn: all behind the names but the counter.
ByteView random_part(const EnvelopeView& envelope) {
  const ByteView drawn = envelope.header.subspan(kTokenHeaderBytes);
  switch (envelope.format) {
    case Format::aes_256_gcm:
      return drawn.first(kSaltBytes);
    case Format::aes_256_gcm_lease:
      return drawn.first(kLeaseSaltBytes + kLeaseBytes);
    default:
      return drawn;
  }
}

bool describe_envelope(ByteView bytes, ValueDescription& description) {
  auto envelope = parse_envelope(bytes);
  if (!envelope) return false;
  bool randomized = envelope->format != Format::aes_256_siv;
  bool in_hsm = envelope->format == Format::aes_256_gcm_hsm;
  description.format = "ciphertext";
  description.algorithm = name(randomized ? KeyType::aes_256_gcm : KeyType::aes_256_siv);
  description.key = envelope->key;
  description.has_salt = randomized;
  if (randomized) description.salt = random_part(*envelope);
  description.has_counter = randomized && !in_hsm;
  description.counter = envelope->counter;
  description.payload = bytes.subspan(envelope->header.size());
  return true;
}

bool describe_token(ByteView bytes, ValueDescription& description) {
  auto token = parse_token(bytes);
  if (!token) return false;
  bool is_mac = is_mac_format(token->format);
  bool is_raw = token->format == static_cast<std::uint8_t>(Format::hmac_sha_256_raw);
  description.format = is_mac ? "mac" : "signature";
  description.algorithm = is_mac ? name(is_raw ? KeyType::hmac_sha_256_raw : KeyType::hmac_sha_256)
                                 : name(static_cast<SignatureScheme>(token->format));
  description.key = token->key;
  description.payload = token->value;
  return true;
}

}  // namespace

bool describe(ByteView bytes, ValueDescription& description, backend::Failure& failure) noexcept {
  return backend::guarded(failure, false, [&]() -> Result<bool> {
    if (describe_envelope(bytes, description) || describe_token(bytes, description)) return true;
    return fail(Code::envelope_malformed,
                "the value is not a ciphertext, signature or message authentication code of NAE");
  });
}

}  // namespace nae::functions

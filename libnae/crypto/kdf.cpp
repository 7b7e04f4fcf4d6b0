#include "libnae/crypto/kdf.hpp"

#include <algorithm>

namespace nae::crypto {

namespace {

void write_prefix(ByteWriter& w, const KeyPurpose& purpose, const KeyVersionId& id,
                  const Salt& salt, std::uint32_t block) {
  w.u32(block);
  w.raw(as_bytes(purpose.label));
  w.u8(0);
  w.raw(id.key.bytes);
  w.u16(id.version);
  w.raw(salt);
}

std::size_t prefix_bytes(const KeyPurpose& purpose) {
  return 4 + purpose.label.size() + 1 + kKeyIdBytes + 2 + kSaltBytes;
}

struct PurposeRow {
  KeyType type;
  KeyPurpose purpose;
};
constexpr PurposeRow kPurposes[] = {
    {KeyType::aes_256_gcm, kGcmPurpose},         {KeyType::aes_256_gcm, kLeaseGcmPurpose},
    {KeyType::aes_256_siv, kSivPurpose},         {KeyType::hmac_sha_256, kMacPurpose},
    {KeyType::hmac_sha_256, kBlindIndexPurpose}, {KeyType::hmac_sha_256, kBlindIndexCodePurpose},
    {KeyType::aes_256_gcm, kSearchPurpose},
};

}  // namespace

bool has_purpose(KeyType type, const KeyPurpose& purpose) {
  return std::ranges::any_of(kPurposes, [&](const PurposeRow& row) {
    return row.type == type && row.purpose.label == purpose.label &&
           row.purpose.key_bytes == purpose.key_bytes;
  });
}

Bytes kdf_input(const KeyPurpose& purpose, const KeyVersionId& id, const Salt& salt,
                std::uint32_t block) {
  Bytes input;
  input.reserve(prefix_bytes(purpose) + 4);
  ByteWriter w(input);
  write_prefix(w, purpose, id, salt, block);
  w.u32(purpose.key_bytes * 8);
  return input;
}

Bytes separated_input(const KeyPurpose& purpose, const KeyVersionId& id, ByteView data) {
  Bytes input;
  input.reserve(prefix_bytes(purpose) + data.size());
  ByteWriter w(input);
  write_prefix(w, purpose, id, kNoSalt, 0);
  w.raw(data);
  return input;
}

}  // namespace nae::crypto

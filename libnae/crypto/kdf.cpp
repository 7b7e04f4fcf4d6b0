#include "libnae/crypto/kdf.hpp"

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

}  // namespace

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

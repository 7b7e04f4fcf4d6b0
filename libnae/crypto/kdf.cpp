#include "libnae/crypto/kdf.hpp"

namespace nae::crypto {

Bytes kdf_input(const KeyPurpose& purpose, const KeyVersionId& id, const Salt& salt,
                std::uint32_t block) {
  Bytes input;
  input.reserve(4 + purpose.label.size() + 1 + kKeyIdBytes + 2 + kSaltBytes + 4);
  ByteWriter w(input);
  w.u32(block);
  w.raw(as_bytes(purpose.label));
  w.u8(0);
  w.raw(id.key.bytes);
  w.u16(id.version);
  w.raw(salt);
  w.u32(purpose.key_bytes * 8);
  return input;
}

}  // namespace nae::crypto

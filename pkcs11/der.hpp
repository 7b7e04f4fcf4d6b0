// DER (X.690), as much of it as public keys, certificates, DigestInfo and ECDSA signatures take:
// tag, length in its shortest form, contents.
#pragma once

#include <optional>

#include "libnae/base/bytes.hpp"

namespace nae::pkcs11 {

inline constexpr Byte kDerInteger = 0x02;
inline constexpr Byte kDerBitString = 0x03;
inline constexpr Byte kDerOctetString = 0x04;
inline constexpr Byte kDerNull = 0x05;
inline constexpr Byte kDerObjectIdentifier = 0x06;
inline constexpr Byte kDerSequence = 0x30;
inline constexpr Byte kDerSet = 0x31;

// Reads front to back; what is not there or not DER makes ok() false from then on.
class DerReader {
 public:
  explicit DerReader(ByteView in) : in_(in) {}

  // The contents of the next element, which has this tag.
  ByteView element(Byte tag);
  // The same with its tag and length.
  ByteView whole(Byte tag);
  // The tag of the next element, 0 at the end.
  Byte next() const { return in_.empty() ? Byte{0} : in_[0]; }
  // An INTEGER that is not negative, without the zero that says so. Not its shortest form: not ok.
  ByteView natural();
  bool ok() const { return ok_; }
  bool complete() const { return ok_ && in_.empty(); }

 private:
  ByteView refuse() {
    ok_ = false;
    in_ = {};
    return {};
  }
  ByteView in_;
  bool ok_ = true;
};

void append_element(Bytes& out, Byte tag, ByteView contents);  // below 64 KiB
void append_natural(Bytes& out, ByteView big_endian);          // leading zeros are dropped

}  // namespace nae::pkcs11

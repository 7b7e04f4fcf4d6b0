#include "pkcs11/der.hpp"

namespace nae::pkcs11 {

ByteView DerReader::element(Byte tag) {
  if (!ok_ || in_.size() < 2 || in_[0] != tag) return refuse();
  std::size_t length = in_[1], header = 2;
  if (length >= 0x80) {
    const std::size_t bytes = length & 0x7f;
    if (bytes == 0 || bytes > 2 || in_.size() < 2 + bytes) return refuse();
    length = 0;
    for (std::size_t i = 0; i < bytes; ++i) length = length << 8 | in_[2 + i];
    if (length < (bytes == 1 ? 0x80u : 0x100u)) return refuse();
    header += bytes;
  }
  if (in_.size() - header < length) return refuse();
  const ByteView contents = in_.subspan(header, length);
  in_ = in_.subspan(header + length);
  return contents;
}

ByteView DerReader::whole(Byte tag) {
  const ByteView before = in_;
  element(tag);
  return ok_ ? before.first(before.size() - in_.size()) : refuse();
}

ByteView DerReader::natural() {
  const ByteView number = element(kDerInteger);
  if (!ok_ || number.empty() || (number[0] & 0x80)) return refuse();
  if (number[0] != 0 || number.size() == 1) return number;
  if (!(number[1] & 0x80)) return refuse();
  return number.subspan(1);
}

void append_element(Bytes& out, Byte tag, ByteView contents) {
  out.push_back(tag);
  const std::size_t size = contents.size();
  if (size >= 0x100) out.push_back(0x82);
  if (size >= 0x100) out.push_back(static_cast<Byte>(size >> 8));
  if (size >= 0x80 && size < 0x100) out.push_back(0x81);
  out.push_back(static_cast<Byte>(size));
  out.insert(out.end(), contents.begin(), contents.end());
}

void append_natural(Bytes& out, ByteView big_endian) {
  while (big_endian.size() > 1 && big_endian[0] == 0) big_endian = big_endian.subspan(1);
  Bytes contents;
  if (big_endian.empty() || (big_endian[0] & 0x80)) contents.push_back(0);
  contents.insert(contents.end(), big_endian.begin(), big_endian.end());
  append_element(out, kDerInteger, contents);
}

}  // namespace nae::pkcs11

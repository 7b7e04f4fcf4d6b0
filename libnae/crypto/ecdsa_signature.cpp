#include "libnae/crypto/ecdsa_signature.hpp"

#include <algorithm>

#include "libnae/base/algorithm.hpp"

namespace nae::crypto {
namespace {

void append_integer(Bytes& out, ByteView number) {
  // DER integers are signed and of least length: no leading zeros, but one before a high bit.
  const auto first = std::find_if(number.begin(), number.end() - 1, [](Byte b) { return b != 0; });
  const ByteView digits(first, number.end());
  const bool pad = digits.front() & 0x80;
  out.push_back(0x02);
  out.push_back(static_cast<Byte>(digits.size() + pad));
  if (pad) out.push_back(0);
  out.insert(out.end(), digits.begin(), digits.end());
}

}  // namespace

Result<Bytes> ecdsa_signature_der(ByteView raw) {
  constexpr std::size_t kMaxCoordinateBytes = std::max({
#define NAE_KEY_TYPE(type, number, text, family, bits, ...) \
  std::size_t{KeyFamily::family == KeyFamily::ec ? (bits + 7) / 8 : 0},
#include "libnae/base/algorithms.def"
  });
  static_assert(2 * (kMaxCoordinateBytes + 3) < 0x80, "the lengths take DER's long form");
  if (raw.empty() || raw.size() % 2 != 0 || raw.size() / 2 > kMaxCoordinateBytes)
    return fail(Code::signature_malformed, "not an ECDSA signature of two numbers");
  Bytes numbers;
  append_integer(numbers, raw.first(raw.size() / 2));
  append_integer(numbers, raw.last(raw.size() / 2));
  Bytes der = {0x30, static_cast<Byte>(numbers.size())};
  der.insert(der.end(), numbers.begin(), numbers.end());
  return der;
}

}  // namespace nae::crypto

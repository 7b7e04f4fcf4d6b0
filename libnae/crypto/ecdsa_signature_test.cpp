#include "libnae/crypto/ecdsa_signature.hpp"

#include <gtest/gtest.h>

#include "libnae/base/text.hpp"

namespace nae::crypto {
namespace {

std::string der(std::string_view raw) {
  return to_hex(*ecdsa_signature_der(*from_hex(raw)));
}

TEST(EcdsaSignature, RefusesWhatIsNotTwoNumbers) {
  for (std::size_t size : {0u, 1u, 63u, 98u, 128u})
    EXPECT_FALSE(ecdsa_signature_der(Bytes(size, 1))) << size;
  EXPECT_TRUE(ecdsa_signature_der(Bytes(96, 0xff)));
}

TEST(EcdsaSignature, IntegersAreShortestAndPositive) {
  EXPECT_EQ(der("00010002"), "3006020101020102");
  EXPECT_EQ(der("00800080"),
            "300802020080"
            "02020080");
  EXPECT_EQ(der("00000000"), "3006020100020100");
  EXPECT_EQ(der("ff017f01"), "3009020300ff0102027f01");
}

}  // namespace
}  // namespace nae::crypto

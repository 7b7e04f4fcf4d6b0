#include "pkcs11/der.hpp"

#include <gtest/gtest.h>

#include "libnae/base/text.hpp"

namespace nae::pkcs11 {
namespace {

Bytes hex(std::string_view text) {
  return from_hex(text).value();
}

TEST(Der, ReadsWhatItWrites) {
  for (const std::size_t size : {0u, 1u, 127u, 128u, 255u, 256u, 65'535u}) {
    const Bytes contents(size, 'c');
    Bytes out;
    append_element(out, kDerOctetString, contents);
    DerReader in(out);
    const ByteView read = in.element(kDerOctetString);
    EXPECT_TRUE(in.complete()) << size;
    EXPECT_TRUE(std::ranges::equal(read, contents)) << size;
    for (const std::size_t cut : {std::size_t{0}, std::size_t{1}, out.size() / 2, out.size() - 1}) {
      DerReader shorter(ByteView(out).first(cut));
      EXPECT_TRUE(shorter.element(kDerOctetString).empty());
      EXPECT_FALSE(shorter.ok()) << size << " cut to " << cut;
    }
  }
}

TEST(Der, KnowsOneFormOfALength) {
  for (const char* wrong :
       {"0480", "048100", "04817f", "04820080", "048200ff", "0483000100", "0484", "04ff"}) {
    Bytes in = hex(wrong);
    in.resize(in.size() + 70'000, 0);
    DerReader reader(in);
    reader.element(kDerOctetString);
    EXPECT_FALSE(reader.ok()) << wrong;
  }
}

TEST(Der, NumbersAreNaturalAndShort) {
  for (const auto& [der, number] : {std::pair("020100", "00"), std::pair("02017f", "7f"),
                                    std::pair("02020080", "80"), std::pair("02020100", "0100")}) {
    const Bytes in = hex(der);
    DerReader kept(in);
    EXPECT_EQ(to_hex(kept.natural()), number);
    EXPECT_TRUE(kept.complete());
    Bytes out;
    append_natural(out, hex(std::string("0000") + number));
    EXPECT_EQ(to_hex(out), der);
  }
  for (const char* wrong : {"0200", "020180", "02020000", "0202007f", "0203000080", "030100"}) {
    const Bytes in = hex(wrong);
    DerReader reader(in);
    reader.natural();
    EXPECT_FALSE(reader.ok()) << wrong;
  }
}

TEST(Der, StaysWrongOnceItWas) {
  const Bytes in = hex("0201050500");
  DerReader reader(in);
  reader.element(kDerSequence);
  EXPECT_FALSE(reader.ok());
  EXPECT_TRUE(reader.natural().empty());
  EXPECT_FALSE(reader.complete());
}

}  // namespace
}  // namespace nae::pkcs11

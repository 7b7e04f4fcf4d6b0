#include "keyserver/policy/masked_form.hpp"

#include <gtest/gtest.h>

#include <random>

namespace nae::policy {
namespace {

Mask mask_of(std::string_view written) {
  return *parse_mask(written);
}

std::string masked(const Mask& by, const std::string& value) {
  Bytes out(max_masked_bytes(value.size()));
  auto size = mask(by, as_bytes(value), out);
  return std::string(as_text(ByteView(out).first(*size)));
}

bool comes_back(std::string_view written, std::string_view value) {
  const Mask by = mask_of(written);
  return is_masked_form({&by, 1}, as_bytes(value));
}

TEST(MaskedForm, EachKindIsKnown) {
  EXPECT_TRUE(comes_back("mask(first=2, last=4)", "12******6789"));
  EXPECT_TRUE(comes_back("mask(first=2, last=4)", "***"));
  EXPECT_TRUE(comes_back("mask(text=\"hidden\")", "hidden"));
  EXPECT_TRUE(comes_back("mask(email)", "j***@example.org"));
  EXPECT_TRUE(comes_back("mask(email)", "***@example.org"));
  EXPECT_TRUE(comes_back("mask(email)", "***"));
  EXPECT_TRUE(comes_back("mask(digits, last=4)", "***-**-6789"));
  EXPECT_TRUE(comes_back("mask(digits, last=4)", "***"));
}

TEST(MaskedForm, ValuesAreNot) {
  EXPECT_FALSE(comes_back("mask(first=2, last=4)", "123456786789"));
  EXPECT_FALSE(comes_back("mask(first=2, last=4)", "a*value*withstars"));
  EXPECT_FALSE(comes_back("mask(first=2, last=4)", ""));
  EXPECT_FALSE(comes_back("mask(text=\"hidden\")", "hidden treasure"));
  EXPECT_FALSE(comes_back("mask(email)", "jane@example.org"));
  EXPECT_FALSE(comes_back("mask(email)", "jane***@example.org"));
  EXPECT_FALSE(comes_back("mask(digits, last=4)", "123-45-6789"));
  EXPECT_FALSE(comes_back("mask(digits, last=4)", "none"));
  EXPECT_FALSE(comes_back("mask(digits, last=4)", "12*45*67"));
  EXPECT_FALSE(comes_back("mask(first=2, last=4)", "\xff***")) << "no text was ever masked to it";
}

TEST(MaskedForm, OneOfSeveralMasksIsEnough) {
  const Mask masks[] = {mask_of("mask(last=4)"), mask_of("mask(email)")};
  EXPECT_TRUE(is_masked_form(masks, as_bytes("********6789")));
  EXPECT_TRUE(is_masked_form(masks, as_bytes("j***@example.org")));
  EXPECT_FALSE(is_masked_form(masks, as_bytes("jane@example.org")));
  EXPECT_FALSE(is_masked_form({}, as_bytes("***")));
}

// Whatever a mask hides a part of is known when it comes back.
TEST(MaskedForm, EveryMaskedValueIsKnown) {
  const Mask masks[] = {mask_of("mask(first=2, last=4)"), mask_of("mask(last=1)"),
                        mask_of("mask(text=\"hidden\")"), mask_of("mask(email)"),
                        mask_of("mask(digits, last=4)"),  mask_of("mask(digits, first=1)")};
  const std::string alphabet[] = {"a", "7", "0", "-", "@", ".", "*", "\u00e9", "\u0663", " "};
  std::mt19937 random(26);
  for (int round = 0; round < 20'000; ++round) {
    std::string value;
    for (auto left = random() % 14; left > 0; --left) value += alphabet[random() % 10];
    for (const Mask& by : masks) {
      const std::string form = masked(by, value);
      if (form == value) continue;
      EXPECT_TRUE(is_masked_form({&by, 1}, as_bytes(form)))
          << to_text(by) << " of \"" << value << "\" is \"" << form << "\"";
    }
  }
}

}  // namespace
}  // namespace nae::policy

#include "libnae/envelope/envelope.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "libnae/base/text.hpp"
#include "tests/vectors/vector_file.hpp"

namespace nae {
namespace {

const KeyVersionId kKey{{{0xa0, 0xb1, 0xc2, 0xd3, 0xe4, 0xf5}}, 0x0102};
const Salt kSalt{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

Bytes gcm_envelope(std::size_t plaintext_bytes) {
  Bytes bytes(plaintext_bytes + kGcmOverheadBytes, 0x77);
  write_gcm_header(bytes.data(), kKey, kSalt, 0x01020304);
  return bytes;
}
Bytes lease_gcm_envelope(std::size_t plaintext_bytes) {
  Bytes bytes(plaintext_bytes + kGcmOverheadBytes, 0x77);
  write_lease_gcm_header(bytes.data(), kKey, kSalt,
                         {0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8}, 0xfedcba);
  return bytes;
}
Bytes siv_envelope(std::size_t plaintext_bytes) {
  Bytes bytes(plaintext_bytes + kSivOverheadBytes, 0x77);
  write_siv_header(bytes.data(), kKey);
  return bytes;
}
Bytes hsm_gcm_envelope(std::size_t plaintext_bytes) {
  Bytes bytes(plaintext_bytes + kHsmGcmOverheadBytes, 0x77);
  write_hsm_gcm_header(bytes.data(), kKey, kSalt);
  return bytes;
}

TEST(Envelope, GcmHasItsPartsWhereTheSpecificationSays) {
  Bytes bytes = gcm_envelope(3);
  auto view = parse_envelope(bytes);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->format, Format::aes_256_gcm);
  EXPECT_EQ(view->key, kKey);
  EXPECT_EQ(view->salt, kSalt);
  EXPECT_EQ(view->counter, 0x01020304u);
  EXPECT_EQ(to_hex(view->header), "a1a0b1c2d3e4f501020102030405060708090a0b0c01020304");
  EXPECT_EQ(view->ciphertext.data(), bytes.data() + 25);
  EXPECT_EQ(view->ciphertext.size(), 3u);
  EXPECT_EQ(view->tag.data(), bytes.data() + 28);
  EXPECT_EQ(view->tag.size(), kTagBytes);
}

TEST(Envelope, SivHasItsPartsWhereTheSpecificationSays) {
  Bytes bytes = siv_envelope(3);
  auto view = parse_envelope(bytes);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->format, Format::aes_256_siv);
  EXPECT_EQ(view->key, kKey);
  EXPECT_EQ(view->salt, Salt{});
  EXPECT_EQ(to_hex(view->header), "a2a0b1c2d3e4f50102");
  EXPECT_EQ(view->tag.data(), bytes.data() + 9);
  EXPECT_EQ(view->ciphertext.data(), bytes.data() + 25);
  EXPECT_EQ(view->ciphertext.size(), 3u);
}

TEST(Envelope, GcmOfTheHsmHasItsPartsWhereTheSpecificationSays) {
  Bytes bytes = hsm_gcm_envelope(3);
  auto view = parse_envelope(bytes);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->format, Format::aes_256_gcm_hsm);
  EXPECT_EQ(view->key, kKey);
  EXPECT_EQ(view->nonce, kSalt);
  EXPECT_EQ(view->salt, Salt{});
  EXPECT_EQ(to_hex(view->header), "a3a0b1c2d3e4f501020102030405060708090a0b0c");
  EXPECT_EQ(view->ciphertext.data(), bytes.data() + 21);
  EXPECT_EQ(view->ciphertext.size(), 3u);
  EXPECT_EQ(view->tag.data(), bytes.data() + 24);
  EXPECT_EQ(view->tag.size(), kTagBytes);
}

TEST(Envelope, GcmOfALeaseHasItsPartsWhereTheSpecificationSays) {
  Bytes bytes = lease_gcm_envelope(3);
  auto view = parse_envelope(bytes);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->format, Format::aes_256_gcm_lease);
  EXPECT_EQ(view->key, kKey);
  EXPECT_EQ(view->salt, (Salt{1, 2, 3, 4, 5}));
  EXPECT_EQ(view->counter, 0xfedcbau);
  EXPECT_EQ(to_hex(view->nonce), "a1a2a3a4a5a6a7a800fedcba");
  EXPECT_EQ(to_hex(view->header), "a4a0b1c2d3e4f501020102030405a1a2a3a4a5a6a7a8fedcba");
  EXPECT_EQ(view->ciphertext.data(), bytes.data() + 25);
  EXPECT_EQ(view->ciphertext.size(), 3u);
  EXPECT_EQ(view->tag.data(), bytes.data() + 28);
}

TEST(Envelope, ParsesEveryVector) {
  for (const char* section : {"gcm", "siv", "hsm-gcm", "gcm-lease"})
    for (const auto& v : vectors::read("envelope.txt", section)) {
      Bytes bytes = v.bytes("envelope");
      auto view = parse_envelope(bytes);
      ASSERT_TRUE(view) << "line " << v.line;
      EXPECT_EQ(to_hex(view->header), v.value("header"));
      EXPECT_EQ(view->ciphertext.size(), v.bytes("plaintext").size());
      EXPECT_EQ(view->key.version, v.number("version"));
      EXPECT_TRUE(looks_like_envelope(bytes));
    }
}

TEST(Envelope, AcceptsEmptyPlaintextsAndNothingShorter) {
  for (const Bytes& bytes :
       {gcm_envelope(0), siv_envelope(0), hsm_gcm_envelope(0), lease_gcm_envelope(0)}) {
    EXPECT_TRUE(parse_envelope(bytes)->ciphertext.empty());
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      auto view = parse_envelope(ByteView(bytes).first(size));
      ASSERT_FALSE(view);
      EXPECT_EQ(view.error().code, Code::envelope_malformed);
      EXPECT_FALSE(looks_like_envelope(ByteView(bytes).first(size)));
    }
  }
}

TEST(Envelope, RefusesEveryOtherFormat) {
  Bytes bytes = gcm_envelope(10);
  for (int format = 0; format < 256; ++format) {
    bytes[0] = static_cast<Byte>(format);
    bool known = format >= 0xa1 && format <= 0xa4;
    EXPECT_EQ(parse_envelope(bytes).has_value(), known) << format;
    EXPECT_EQ(looks_like_envelope(bytes), known) << format;
  }
}

TEST(Envelope, RefusesVersionZero) {
  for (Bytes bytes :
       {gcm_envelope(1), siv_envelope(1), hsm_gcm_envelope(1), lease_gcm_envelope(1)}) {
    bytes[7] = bytes[8] = 0;
    EXPECT_FALSE(parse_envelope(bytes));
    EXPECT_FALSE(looks_like_envelope(bytes));
  }
}

TEST(Token, AcceptsCodesAndEverySignatureScheme) {
  Bytes bytes(kTokenHeaderBytes + 32, 0x77);
  for (int format = 0; format < 256; ++format) {
    write_token_header(bytes.data(), static_cast<std::uint8_t>(format), kKey);
    auto view = parse_token(bytes);
    bool code = format == 0xb1 || format == 0xb2 || format == 0xb3;
    bool known = code || find_row(static_cast<SignatureScheme>(format)) != nullptr;
    EXPECT_EQ(is_mac_format(static_cast<std::uint8_t>(format)), code) << format;
    ASSERT_EQ(view.has_value(), known) << format;
    if (!view) {
      EXPECT_EQ(view.error().code, Code::signature_malformed);
      continue;
    }
    EXPECT_EQ(view->format, format);
    EXPECT_EQ(view->key, kKey);
    EXPECT_EQ(view->value.size(), 32u);
  }
}

TEST(Token, RefusesEmptyValuesAndVersionZero) {
  Bytes bytes(kTokenHeaderBytes + 1, 0x77);
  write_token_header(bytes.data(), 0xb1, kKey);
  EXPECT_TRUE(parse_token(bytes));
  for (std::size_t size = 0; size <= kTokenHeaderBytes; ++size)
    EXPECT_FALSE(parse_token(ByteView(bytes).first(size)));
  bytes[7] = bytes[8] = 0;
  EXPECT_FALSE(parse_token(bytes));
}

}  // namespace
}  // namespace nae

#include "libnae/envelope/blind_index.hpp"

#include <gtest/gtest.h>

#include <set>

#include "tests/vectors/vector_file.hpp"

namespace nae {
namespace {

using vectors::Vector;

Bytes input_of(const Vector& v) {
  const Bytes purpose = v.bytes("purpose"), context = v.bytes("context"), value = v.bytes("value");
  Bytes input(blind_index_input_bytes(as_text(purpose), as_text(context), value));
  write_blind_index_input(as_text(purpose), as_text(context), value, input.data());
  return input;
}

TEST(BlindIndexInput, MatchesVectors) {
  for (const Vector& v : vectors::read("blind_index.txt", "blind-index-code"))
    EXPECT_EQ(input_of(v), v.bytes("input")) << "line " << v.line;
}

TEST(BlindIndexInput, DiffersWhereTheSameBytesStandElsewhere) {
  std::set<Bytes> inputs;
  std::set<std::string> triples;
  for (const Vector& v : vectors::read("blind_index.txt", "blind-index-code")) {
    inputs.insert(input_of(v));
    triples.insert(v.value("purpose") + "|" + v.value("context") + "|" + v.value("value"));
  }
  EXPECT_GT(triples.size(), 10u);
  EXPECT_EQ(inputs.size(), triples.size());
}

TEST(BlindIndexInput, TakesNamesOfTheLargestLength) {
  const std::string longest(kMaxBlindIndexNameBytes, 'x');
  Bytes input(blind_index_input_bytes(longest, longest, {}));
  write_blind_index_input(longest, longest, {}, input.data());
  EXPECT_EQ(input.size(), 4 + 2 * kMaxBlindIndexNameBytes);
  EXPECT_EQ(load_big_endian<std::uint16_t>(input.data()), 65535);
  EXPECT_EQ(load_big_endian<std::uint16_t>(input.data() + 2 + kMaxBlindIndexNameBytes), 65535);
}

TEST(BlindIndexCode, SaysFormatAndVersion) {
  for (const char* section : {"blind-index-code", "hsm-blind-index-code"})
    for (const Vector& v : vectors::read("blind_index.txt", section)) {
      const Bytes bytes = v.bytes("code");
      BlindIndexCodeView code;
      ASSERT_TRUE(parse_blind_index_code(bytes, code)) << "line " << v.line;
      EXPECT_EQ(code.version, v.number("version"));
      Bytes header(kBlindIndexHeaderBytes);
      write_blind_index_header(header.data(), code.format, code.version);
      EXPECT_EQ(Bytes(bytes.begin(), bytes.begin() + kBlindIndexHeaderBytes), header);
    }
}

TEST(BlindIndexCode, IsNothingElse) {
  const Bytes good = vectors::read("blind_index.txt", "blind-index-code").at(0).bytes("code");
  BlindIndexCodeView code;
  for (std::size_t bytes = 0; bytes <= 32; ++bytes) {
    Bytes other(good);
    other.resize(bytes);
    EXPECT_EQ(parse_blind_index_code(other, code), bytes == kBlindIndexCodeBytes) << bytes;
  }
  for (int format = 0; format < 256; ++format) {
    Bytes other(good);
    other[0] = static_cast<Byte>(format);
    EXPECT_EQ(parse_blind_index_code(other, code), format == 0xb4 || format == 0xb5) << format;
  }
  Bytes unversioned(good);
  unversioned[1] = unversioned[2] = 0;
  EXPECT_FALSE(parse_blind_index_code(unversioned, code)) << "version 0";
}

}  // namespace
}  // namespace nae

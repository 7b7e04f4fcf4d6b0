#include "libnae/envelope/column_value.hpp"

#include <gtest/gtest.h>

#include <set>

#include "libnae/base/text.hpp"

namespace nae {
namespace {

const KeyVersionId kKey{{{0xa0, 0xb1, 0xc2, 0xd3, 0xe4, 0xf5}}, 0x0102};
const ContextTag kContext{0x11, 0x22, 0x33, 0x44};

Bytes column_value(PlainType type, Format format, std::size_t plaintext_bytes) {
  const ColumnHeader header = column_header(type, kContext);
  const std::size_t overhead =
      format == Format::aes_256_siv ? kSivOverheadBytes : kGcmOverheadBytes;
  Bytes bytes(kColumnHeaderBytes + overhead + plaintext_bytes, 0x77);
  std::copy(header.begin(), header.end(), bytes.begin());
  Byte* envelope = bytes.data() + kColumnHeaderBytes;
  if (format == Format::aes_256_siv)
    write_siv_header(envelope, kKey);
  else
    write_gcm_header(envelope, kKey, Salt{}, 7);
  return bytes;
}

TEST(ColumnValue, HasItsPartsWhereTheSpecificationSays) {
  Bytes bytes = column_value(PlainType::numeric, Format::aes_256_siv, 5);
  EXPECT_EQ(to_hex(ByteView(bytes).first(15)), "e10511223344a2a0b1c2d3e4f50102");
  ColumnValueView value;
  ASSERT_TRUE(parse_column_value(bytes, value));
  EXPECT_EQ(value.type, PlainType::numeric);
  EXPECT_EQ(value.context, kContext);
  EXPECT_EQ(value.key, kKey);
  EXPECT_EQ(value.header.size(), kColumnHeaderBytes);
  EXPECT_EQ(value.envelope.size(), kSivOverheadBytes + 5);
  EXPECT_TRUE(value.deterministic());
}

TEST(ColumnValue, TellsRandomizedFromDeterministic) {
  ColumnValueView value;
  ASSERT_TRUE(parse_column_value(column_value(PlainType::text, Format::aes_256_gcm, 0), value));
  EXPECT_FALSE(value.deterministic());
}

TEST(ColumnValue, RefusesWhatIsNone) {
  ColumnValueView value;
  EXPECT_FALSE(parse_column_value({}, value));
  EXPECT_FALSE(parse_column_value(as_bytes("123-45-6789"), value));
  const Bytes good = column_value(PlainType::text, Format::aes_256_siv, 0);
  EXPECT_TRUE(parse_column_value(good, value));
  EXPECT_FALSE(parse_column_value(ByteView(good).first(good.size() - 1), value)) << "cut";
  EXPECT_FALSE(parse_column_value(ByteView(good).subspan(kColumnHeaderBytes), value))
      << "an envelope without header";
  // Types that there are not: none, past the last one, and arrays of those.
  for (const auto& [place, byte] :
       {std::pair{0, 0xe2}, {1, 0x00}, {1, 0x14}, {1, 0x40}, {1, 0x54}, {1, 0x81}, {6, 0xff}}) {
    Bytes changed = good;
    changed[static_cast<std::size_t>(place)] = static_cast<Byte>(byte);
    EXPECT_FALSE(parse_column_value(changed, value)) << "byte " << place;
  }
}

TEST(PlainType, HasANumberAndANameForEachTypeAndItsArray) {
  std::set<std::string_view> names;
  for (const PlainTypeRow& row : kPlainTypes) {
    EXPECT_TRUE(is_plain_type(static_cast<Byte>(row.type))) << row.name;
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_STREQ(plain_name(row.type), row.name);
    EXPECT_EQ(std::string_view(row.name).ends_with("_array"), is_array(row.type)) << row.name;
    EXPECT_FALSE(is_array(row.type) && row.deterministic) << row.name;
  }
  EXPECT_EQ(static_cast<int>(PlainType::jsonb), 10) << "numbers are never reassigned";
  EXPECT_EQ(static_cast<int>(PlainType::int2), 19);
  EXPECT_EQ(static_cast<int>(PlainType::text_array), 65);
  EXPECT_EQ(element_of(PlainType::int2_array), PlainType::int2);
  int known = 0;
  for (int number = 0; number < 256; ++number) known += is_plain_type(static_cast<Byte>(number));
  EXPECT_EQ(known, static_cast<int>(std::size(kPlainTypes)));
}

TEST(ColumnValue, RefusesVersionZero) {
  Bytes bytes = column_value(PlainType::text, Format::aes_256_siv, 3);
  bytes[kColumnHeaderBytes + 7] = bytes[kColumnHeaderBytes + 8] = 0;
  ColumnValueView value;
  EXPECT_FALSE(parse_column_value(bytes, value));
}

TEST(ColumnValue, AssociatedDataIsTheLabelAndTheHeader) {
  const ColumnHeader header = column_header(PlainType::text, kContext);
  EXPECT_EQ(to_hex(column_aad(header)), "6e61652d636f6c756d6ee10111223344");
}

}  // namespace
}  // namespace nae

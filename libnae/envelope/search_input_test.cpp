#include "libnae/envelope/search_input.hpp"

#include <gtest/gtest.h>

#include "tests/vectors/vector_file.hpp"

namespace nae {
namespace {

using vectors::Vector;

SearchInputView parsed(ByteView bytes) {
  SearchInputView input;
  EXPECT_TRUE(parse_search_input(bytes, input));
  return input;
}

Bytes written(const SearchColumn& column, const std::vector<std::string>& tokens) {
  std::size_t bytes = search_head_bytes(column);
  for (const std::string& token : tokens) bytes += kSearchTokenLengthBytes + token.size();
  Bytes input(bytes);
  Byte* out = write_search_head(column, input.data());
  for (const std::string& token : tokens) out = write_search_token(token, out);
  EXPECT_EQ(out, input.data() + input.size());
  return input;
}

TEST(SearchInput, MatchesVectors) {
  auto all = vectors::read("search.txt", "search");
  for (Vector& v : vectors::read("search.txt", "bucket")) all.push_back(std::move(v));
  for (const Vector& v : all) {
    const Bytes purpose = v.bytes("purpose"), context = v.bytes("context"),
                declaration = v.bytes("declaration"), input = v.bytes("input");
    const SearchInputView view = parsed(input);
    EXPECT_EQ(view.bits, v.number("bits")) << "line " << v.line;
    std::vector<std::string> tokens;
    for (ByteView rest = view.tokens; !rest.empty();)
      tokens.emplace_back(as_text(take_search_token(rest)));
    EXPECT_EQ(tokens.size(), view.count);
    const SearchColumn column{view.bits, as_text(purpose), as_text(context), as_text(declaration)};
    EXPECT_EQ(written(column, tokens), input) << "line " << v.line;
    const Bytes reference = v.bytes("reference");
    EXPECT_EQ(search_mark(as_text(reference), view.head), v.number("mark")) << "line " << v.line;
  }
}

TEST(SearchInput, IsNothingShorterOrLonger) {
  const Bytes good = written({16, "purpose", "context", "declaration"}, {"one", "", "three"});
  EXPECT_EQ(parsed(good).count, 3u);
  SearchInputView input;
  const std::size_t head = parsed(good).head.size();
  for (std::size_t bytes = 0; bytes < good.size(); ++bytes) {
    const bool is_whole = bytes == head || bytes == head + 7 || bytes == head + 11;
    EXPECT_EQ(parse_search_input(ByteView(good).first(bytes), input), is_whole) << bytes;
  }
  Bytes longer = good;
  longer.push_back(0);
  EXPECT_FALSE(parse_search_input(longer, input));
}

TEST(SearchInput, HasBitsWithinTheirRange) {
  SearchInputView input;
  for (unsigned bits = 0; bits < 256; ++bits) {
    const bool fits = bits >= 12 && bits <= 32;
    EXPECT_EQ(parse_search_input(written({bits, "", "", ""}, {"token"}), input), fits) << bits;
  }
}

TEST(SearchInput, TakesNamesOfTheLargestLength) {
  const std::string longest(kMaxSearchNameBytes, 'x');
  EXPECT_EQ(parsed(written({12, longest, longest, longest}, {})).count, 0u);
}

TEST(SearchCode, IsTheFirstBits) {
  const Byte hmac[] = {0xff, 0xee, 0xdd, 0xcc, 0xbb};
  EXPECT_EQ(search_code(hmac, 32), 0xffeeddccu);
  EXPECT_EQ(search_code(hmac, 16), 0xffeeu);
  EXPECT_EQ(search_code(hmac, 12), 0xffeu);
}

}  // namespace
}  // namespace nae

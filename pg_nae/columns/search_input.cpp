#include "pg_nae/columns/search_input.hpp"

#include <algorithm>

#include "libnae/search/tokens.hpp"

namespace nae::columns {
namespace {

// Kept between calls: what a longjmp past the caller leaves is wiped and used again, not lost.
Bytes last_input;

void write_input(const SearchOf& of, unsigned bits, const search::Tokens& tokens) {
  const SearchColumn column{bits, of.purpose, of.context, of.declaration};
  std::size_t bytes = search_head_bytes(column);
  for (const std::string& token : tokens) bytes += kSearchTokenLengthBytes + token.size();
  last_input.resize(bytes);
  Byte* out = write_search_head(column, last_input.data());
  for (const std::string& token : tokens) out = write_search_token(token, out);
}

SearchInput make_input(const SearchOf& of, search::Condition condition, std::string_view text) {
  search::Unread why{};
  const auto declaration = search::parse_declaration(of.declaration, why);
  if (!declaration)
    return why == search::Unread::other_unicode ? SearchInput::other_unicode
                                                : SearchInput::malformed;
  const search::Tokens tokens = search::tokens_of_condition(*declaration, condition, text);
  write_input(of, declaration->bits, tokens);
  return tokens.empty() ? SearchInput::no_token : SearchInput::made;
}

}  // namespace

SearchInput search_input(const SearchOf& of, search::Condition condition, std::string_view text,
                         ByteView& input) noexcept {
  forget_search_input();
  try {
    const SearchInput result = make_input(of, condition, text);
    input = last_input;
    return result;
  } catch (...) {
    return SearchInput::no_memory;
  }
}

void forget_search_input() noexcept {
  explicit_bzero(last_input.data(), last_input.size());
  last_input.clear();
}

std::size_t search_codes_bytes(std::size_t answered) noexcept {
  return ARR_OVERHEAD_NONULLS(1) + answered;
}

ArrayType* write_search_codes(ByteView answered, char* room) noexcept {
  auto* array = reinterpret_cast<ArrayType*>(room);
  auto* codes = reinterpret_cast<std::int32_t*>(room + ARR_OVERHEAD_NONULLS(1));
  const std::size_t count = answered.size() / kSearchCodeBytes;
  for (std::size_t i = 0; i < count; ++i)
    codes[i] = static_cast<std::int32_t>(
        load_big_endian<std::uint32_t>(answered.data() + i * kSearchCodeBytes));
  std::sort(codes, codes + count);
  const auto distinct = std::unique(codes, codes + count) - codes;
  // An array without elements has no dimension.
  const std::size_t bytes =
      distinct == 0 ? ARR_OVERHEAD_NONULLS(0)
                    : ARR_OVERHEAD_NONULLS(1) + static_cast<std::size_t>(distinct) * sizeof *codes;
  SET_VARSIZE(array, bytes);
  array->ndim = distinct == 0 ? 0 : 1;
  array->dataoffset = 0;
  array->elemtype = INT4OID;
  if (distinct == 0) return array;
  ARR_DIMS(array)[0] = static_cast<int>(distinct);
  ARR_LBOUND(array)[0] = 1;
  return array;
}

}  // namespace nae::columns

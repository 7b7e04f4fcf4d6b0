#include "pg_nae/columns/search_input.hpp"

#include <algorithm>
#include <optional>

#include "libnae/search/buckets.hpp"
#include "libnae/search/tokens.hpp"

namespace nae::columns {
namespace {

// Kept between calls: what a longjmp past the caller leaves is wiped and used again, not lost.
Bytes last_input;

// A statement's rows are all of one declaration, or of few.
std::string last_declared;
search::Declaration last_declaration;
search::Buckets last_buckets{search::Declaration{}};

std::optional<search::Declaration> declaration_of(std::string_view text, search::Unread& why) {
  if (!last_declared.empty() && text == last_declared) return last_declaration;
  const auto declaration = search::parse_declaration(text, why);
  last_declared.clear();
  if (declaration) {
    last_declaration = *declaration;
    last_buckets = search::Buckets(*declaration);
    last_declared = text;
  }
  return declaration;
}

void write_input(const SearchOf& of, unsigned bits, const search::Tokens& tokens) {
  const SearchColumn column{bits, of.purpose, of.context, of.declaration};
  std::size_t bytes = search_head_bytes(column);
  for (const std::string& token : tokens) bytes += kSearchTokenLengthBytes + token.size();
  last_input.resize(bytes);
  Byte* out = write_search_head(column, last_input.data());
  for (const std::string& token : tokens) out = write_search_token(token, out);
}

SearchInput unread(search::Unread why) {
  return why == search::Unread::other_unicode ? SearchInput::other_unicode : SearchInput::malformed;
}

SearchInput write_tokens(const SearchOf& of, unsigned bits, const search::Tokens& tokens) {
  write_input(of, bits, tokens);
  return tokens.empty() ? SearchInput::no_token : SearchInput::made;
}

SearchInput make_input(const SearchOf& of, search::Condition condition, std::string_view text) {
  search::Unread why{};
  const auto declaration = declaration_of(of.declaration, why);
  if (!declaration) return unread(why);
  if (declaration->kind == search::Kind::bucket) return SearchInput::malformed;
  return write_tokens(of, declaration->bits,
                      search::tokens_of_condition(*declaration, condition, text));
}

SearchInput make_value_input(const SearchOf& of, PlainType type, ByteView canonical) {
  search::Unread why{};
  const auto declaration = declaration_of(of.declaration, why);
  if (!declaration) return unread(why);
  if (declaration->kind != search::Kind::bucket)
    return type == PlainType::text
               ? write_tokens(of, declaration->bits,
                              search::tokens_of_value(*declaration, as_text(canonical)))
               : SearchInput::malformed;
  const auto bucket = last_buckets.of(type, canonical);
  if (!bucket) return SearchInput::malformed;
  return write_tokens(of, declaration->bits, search::tokens_of_buckets(*bucket, *bucket));
}

SearchInput make_range_input(const SearchOf& of, const RangeBound& low, const RangeBound& high) {
  search::Unread why{};
  const auto declaration = declaration_of(of.declaration, why);
  if (!declaration) return unread(why);
  if (declaration->kind != search::Kind::bucket) return SearchInput::malformed;
  const auto first =
      low.is_there ? last_buckets.of(low.type, low.canonical) : last_buckets.lowest();
  const auto last =
      high.is_there ? last_buckets.of(high.type, high.canonical) : last_buckets.highest();
  if (!first || !last) return SearchInput::malformed;
  if (*last - std::int64_t{*first} >= search::kMostBuckets) return SearchInput::no_token;
  // No value is between bounds of which the upper one is the lower: any bucket will do.
  return write_tokens(of, declaration->bits,
                      search::tokens_of_buckets(*first, std::max(*first, *last)));
}

// What was made is the process's until the next call.
template <class Make>
SearchInput kept_input(ByteView& input, Make make) noexcept {
  forget_search_input();
  try {
    const SearchInput result = make();
    input = last_input;
    return result;
  } catch (...) {
    return SearchInput::no_memory;
  }
}

}  // namespace

SearchInput search_input(const SearchOf& of, search::Condition condition, std::string_view text,
                         ByteView& input) noexcept {
  return kept_input(input, [&] { return make_input(of, condition, text); });
}

SearchInput value_input(const SearchOf& of, PlainType type, ByteView canonical,
                        ByteView& input) noexcept {
  return kept_input(input, [&] { return make_value_input(of, type, canonical); });
}

SearchInput range_input(const SearchOf& of, const RangeBound& low, const RangeBound& high,
                        ByteView& input) noexcept {
  return kept_input(input, [&] { return make_range_input(of, low, high); });
}

bool has_buckets_by(std::string_view declaration, PlainType type) noexcept {
  try {
    search::Unread why{};
    const auto read = declaration_of(declaration, why);
    return read && search::has_buckets(*read, type);
  } catch (...) {
    return false;  // no memory: nobody goes by the codes
  }
}

bool is_coded_by(std::string_view declaration, PlainType type) noexcept {
  return declaration.starts_with("bucket(") ? has_buckets_by(declaration, type)
                                            : type == PlainType::text;
}

void forget_search_input() noexcept {
  if (!last_input.empty()) explicit_bzero(last_input.data(), last_input.size());
  last_input.clear();
}

std::uint32_t search_mark_of(std::string_view key, const SearchOf& of) noexcept {
  try {
    const SearchColumn column{0, of.purpose, of.context, of.declaration};
    Bytes head(search_head_bytes(column));
    write_search_head(column, head.data());
    return search_mark(key, head);
  } catch (...) {
    return 0;  // no memory; nothing has this mark
  }
}

std::size_t search_codes_bytes(std::size_t answered) noexcept {
  return std::max(ARR_OVERHEAD_NONULLS(1) + answered,
                  static_cast<std::size_t>(ARR_OVERHEAD_WITHNULLS(1, 1)));
}

ArrayType* write_search_codes(ByteView answered, std::uint32_t mark, char* room) noexcept {
  std::memset(room, 0, search_codes_bytes(answered.size()));
  auto* array = reinterpret_cast<ArrayType*>(room);
  auto* codes = reinterpret_cast<std::int32_t*>(room + ARR_OVERHEAD_NONULLS(1));
  const std::size_t count = answered.size() / kSearchCodeBytes;
  for (std::size_t i = 0; i < count; ++i)
    codes[i] = static_cast<std::int32_t>(
        load_big_endian<std::uint32_t>(answered.data() + i * kSearchCodeBytes));
  std::sort(codes, codes + count);
  const auto distinct = std::unique(codes, codes + count) - codes;
  array->ndim = 1;
  array->elemtype = INT4OID;
  ARR_LBOUND(array)[0] = static_cast<int>(mark);
  if (distinct == 0) {  // the one bit of the bitmap is 0: NULL
    SET_VARSIZE(array, ARR_OVERHEAD_WITHNULLS(1, 1));
    array->dataoffset = ARR_OVERHEAD_WITHNULLS(1, 1);
    ARR_DIMS(array)[0] = 1;
    return array;
  }
  SET_VARSIZE(array, ARR_OVERHEAD_NONULLS(1) + static_cast<std::size_t>(distinct) * sizeof *codes);
  ARR_DIMS(array)[0] = static_cast<int>(distinct);
  return array;
}

bool has_search_mark(ByteView codes, std::uint32_t mark) noexcept {
  // A packed value is not aligned.
  struct {
    std::int32_t ndim, dataoffset;
    Oid elemtype;
    std::int32_t dimension, lower_bound;
  } head;
  static_assert(sizeof head == ARR_OVERHEAD_NONULLS(1) - VARHDRSZ);
  if (codes.size() < sizeof head) return false;
  std::memcpy(&head, codes.data(), sizeof head);
  return head.ndim == 1 && head.elemtype == INT4OID && mark != 0 &&
         static_cast<std::uint32_t>(head.lower_bound) == mark;
}

}  // namespace nae::columns

// The tokens of values and of conditions, as items of a search request.
#pragma once

#include "libnae/envelope/plain_type.hpp"
#include "libnae/envelope/search_input.hpp"
#include "libnae/search/pattern.hpp"
#include "pg_nae/pg/postgres.hpp"

namespace nae::columns {

// What a search index is of: the words of its trigger, in UTF-8.
struct SearchOf {
  std::string_view purpose, context, declaration;
};

enum class SearchInput : std::uint8_t {
  made,
  no_token,  // of a value: it has no codes; of a condition: the index serves it not
  malformed,
  other_unicode,  // of another Unicode version than this library's
  no_memory,
};

// The item of a value or a condition in UTF-8. Its bytes are the process's until the next call,
// which wipes them; copy them, then call forget_search_input().
SearchInput search_input(const SearchOf& of, search::Condition condition, std::string_view text,
                         ByteView& input) noexcept;
void forget_search_input() noexcept;

// The same of the canonical form of a value: of a text its tokens, of a date or a number its
// bucket.
SearchInput value_input(const SearchOf& of, PlainType type, ByteView canonical,
                        ByteView& input) noexcept;

// The same of the buckets from one bound to another, both included. no_token: of more than a search
// asks for.
struct RangeBound {
  bool is_there;  // else there is none
  PlainType type;
  ByteView canonical;
};
SearchInput range_input(const SearchOf& of, const RangeBound& low, const RangeBound& high,
                        ByteView& input) noexcept;

// Whether values of the type have codes of that declaration.
bool is_coded_by(std::string_view declaration, PlainType type) noexcept;
// The same of buckets, by which ranges are searched.
bool has_buckets_by(std::string_view declaration, PlainType type) noexcept;

// The mark of an index's codes; any declaration has one, also one of another Unicode version. Words
// are those of search_input(), at most kMaxSearchNameBytes long.
std::uint32_t search_mark_of(std::string_view key, const SearchOf& of) noexcept;

// An int4[] of what the key server answered: in the order of the codes, each once. Its lower bound
// is the mark, which dumps and replicas carry along: a CHECK refuses codes of another index. A
// value without codes has one element, NULL, for an array without elements has no bounds.
std::size_t search_codes_bytes(std::size_t answered) noexcept;
// `room` has search_codes_bytes() of the answer.
ArrayType* write_search_codes(ByteView answered, std::uint32_t mark, char* room) noexcept;
// Whether it is an array of codes under that mark.
bool has_search_mark(ByteView codes, std::uint32_t mark) noexcept;

}  // namespace nae::columns

// Functions of search indexes (install/0.2.0/search.sql):
//   nae_internal.search_input(purpose, context, declaration, value): what codes are computed of
//   nae_internal.search_codes(key, input): codes to be stored
//   nae_internal.search_for(key, purpose, context, declaration, condition, text): codes to look for
//   nae_internal.search_declaration(kind, letters, bits): the words of a declaration
//   nae_internal.search_mark(key, purpose, context, declaration): the mark of an index's codes
//   nae.has_codes(has_no_value, codes, mark): what the CHECK of a search index says
//   nae.search(value, query): the condition itself
#include "libnae/search/tokens.hpp"
#include "pg_nae/columns/asked_codes.hpp"
#include "pg_nae/functions/crypto_call.hpp"
#include "pg_nae/pg/encoding.hpp"
#include "pg_nae/pg/report.hpp"
#include "pg_nae/pg/values.hpp"

namespace nae::columns {
namespace {

std::string_view utf8_argument(FunctionCallInfo fcinfo, int place) {
  return as_text(pg::to_utf8(pg::local_view(PG_GETARG_DATUM(place))));
}

SearchOf search_of_arguments(FunctionCallInfo fcinfo, int first) {
  const SearchOf of{utf8_argument(fcinfo, first), utf8_argument(fcinfo, first + 1),
                    utf8_argument(fcinfo, first + 2)};
  for (const std::string_view name : {of.purpose, of.context, of.declaration})
    if (name.size() > kMaxSearchNameBytes)
      pg::raise(Code::invalid_argument,
                "purpose, context and declaration of a search index are at most 65535 bytes");
  return of;
}

search::Condition condition_argument(FunctionCallInfo fcinfo, int place) {
  const int number = PG_GETARG_INT32(place);
  if (number < 0 || number > static_cast<int>(search::Condition::words))
    pg::raise(Code::invalid_argument, "no condition of a search index has this number");
  return static_cast<search::Condition>(number);
}

enum class Match : std::uint8_t { no, yes, no_memory };

Match match_words(std::string_view value, std::string_view query) noexcept {
  try {
    return search::matches_words(value, query) ? Match::yes : Match::no;
  } catch (...) {
    return Match::no_memory;
  }
}

// In a buffer of the caller's; false: there is none of these letters and bits.
bool declare(std::string_view kind, unsigned letters, unsigned bits,
             std::span<char> text) noexcept {
  try {
    const auto known = search::kind_from_name(kind);
    if (!known) return false;
    const std::string words = search::to_text({*known, letters, bits});
    search::Unread why{};
    if (!search::parse_declaration(words, why) || words.size() >= text.size()) return false;
    *std::copy(words.begin(), words.end(), text.begin()) = '\0';
    return true;
  } catch (...) {
    return false;
  }
}

}  // namespace
}  // namespace nae::columns

using namespace nae;

NAE_FUNCTION(nae_search_input) {
  const columns::SearchOf of = columns::search_of_arguments(fcinfo, 0);
  const std::string_view value = columns::utf8_argument(fcinfo, 3);
  ByteView input;
  const auto made = columns::search_input(of, search::Condition::equal, value, input);
  if (made != columns::SearchInput::made && made != columns::SearchInput::no_token)
    columns::raise_unread(made, of.declaration);
  const Datum result = pg::make_bytea(input);
  columns::forget_search_input();
  PG_RETURN_DATUM(result);
}

NAE_FUNCTION(nae_search_codes) {
  const std::string_view key = functions::key_reference_argument(fcinfo);
  const ByteView input = pg::local_view(PG_GETARG_DATUM(1));
  SearchInputView read;
  if (parse_search_input(input, read) && read.count == 0)
    PG_RETURN_DATUM(columns::codes_of({}, columns::mark_of_input(key, input)));
  PG_RETURN_DATUM(columns::ask_stored_codes(key, input));
}

NAE_FUNCTION(nae_search_for) {
  const std::string_view key = functions::key_reference_argument(fcinfo);
  const columns::SearchOf of = columns::search_of_arguments(fcinfo, 1);
  const search::Condition condition = columns::condition_argument(fcinfo, 4);
  const std::string_view searched = columns::utf8_argument(fcinfo, 5);
  ByteView input;
  const auto made = columns::search_input(of, condition, searched, input);
  PG_RETURN_DATUM(columns::ask_searched_codes(key, of, made, input));
}

NAE_FUNCTION(nae_search_words) {
  const std::string_view value = columns::utf8_argument(fcinfo, 0);
  const auto match = columns::match_words(value, columns::utf8_argument(fcinfo, 1));
  if (match == columns::Match::no_memory) pg::raise(Code::overloaded, "out of memory");
  PG_RETURN_BOOL(match == columns::Match::yes);
}

NAE_FUNCTION(nae_search_declaration) {
  char words[128];
  const int letters = PG_GETARG_INT32(1), bits = PG_GETARG_INT32(2);
  const std::string_view kind = as_text(pg::local_view(PG_GETARG_DATUM(0)));
  if (letters < 0 || bits < 0 ||
      !columns::declare(kind, static_cast<unsigned>(letters), static_cast<unsigned>(bits), words))
    PG_RETURN_NULL();
  PG_RETURN_DATUM(CStringGetTextDatum(words));
}

NAE_FUNCTION(nae_search_mark) {
  const std::string_view key = as_text(pg::local_view(PG_GETARG_DATUM(0)));
  PG_RETURN_INT32(static_cast<std::int32_t>(
      columns::search_mark_of(key, columns::search_of_arguments(fcinfo, 1))));
}

// Not strict: a row without a value has no codes, and each other row has some.
NAE_FUNCTION(nae_has_codes) {
  if (PG_ARGISNULL(0) || PG_ARGISNULL(2)) PG_RETURN_BOOL(false);
  if (PG_GETARG_BOOL(0) || PG_ARGISNULL(1)) PG_RETURN_BOOL(PG_GETARG_BOOL(0) && PG_ARGISNULL(1));
  PG_RETURN_BOOL(columns::has_search_mark(pg::local_view(PG_GETARG_DATUM(1)),
                                          static_cast<std::uint32_t>(PG_GETARG_INT32(2))));
}

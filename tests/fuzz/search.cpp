// What is searched: items of a search request are taken apart and written again as they were; texts
// and patterns of any bytes have tokens, and what the pattern of a text itself needs is among the
// text's tokens. Of any bytes that are a canonical form, the bucket is between the lowest and the
// highest.
#include <algorithm>
#include <cstdlib>

#include "libnae/envelope/search_input.hpp"
#include "libnae/search/buckets.hpp"
#include "libnae/search/leading_digits.hpp"
#include "libnae/search/tokens.hpp"

using namespace nae;

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

void check_input(ByteView bytes) {
  SearchInputView input;
  if (!parse_search_input(bytes, input)) return;
  check(input.bits >= kMinSearchBits && input.bits <= kMaxSearchBits);
  check(input.head.size() + input.tokens.size() == bytes.size());
  std::uint32_t count = 0;
  for (ByteView rest = input.tokens; !rest.empty(); ++count) take_search_token(rest);
  check(count == input.count);
}

void check_declaration(std::string_view text) {
  check(!search::kind_from_name(text) || text.size() <= 6);
  check(!search::unit_from_name(text) || text.size() <= 7);
  search::Unread why{};
  if (const auto declaration = search::parse_declaration(text, why))
    check(search::to_text(*declaration) == text);
}

void check_tokens(std::string_view text) {
  using search::Condition;
  for (const search::Declaration& declaration : {search::Declaration{search::Kind::word, 4, 16},
                                                 search::Declaration{search::Kind::whole, 0, 16},
                                                 search::Declaration{search::Kind::domain, 0, 16},
                                                 search::Declaration{search::Kind::last4, 0, 16}}) {
    const search::Tokens has = search::tokens_of_value(declaration, text);
    check(std::ranges::is_sorted(has));
    for (Condition condition : {Condition::like, Condition::ilike, Condition::words})
      search::tokens_of_condition(declaration, condition, text);
    for (const std::string& token :
         search::tokens_of_condition(declaration, Condition::prefix, text))
      check(std::ranges::binary_search(has, token));
  }
  search::matches_words(text, text);
}

void check_bucket(ByteView canonical) {
  using search::Kind, search::Unit;
  for (const search::Declaration& declaration :
       {search::Declaration{Kind::bucket, 0, 16, Unit::week, 0},
        search::Declaration{Kind::bucket, 0, 16, Unit::none, 1020}}) {
    const search::Buckets buckets(declaration);
    for (const PlainTypeRow& row : kPlainTypes) {
      const auto bucket = buckets.of(row.type, canonical);
      if (!bucket) continue;
      check(search::has_buckets(declaration, row.type));
      check(*bucket >= buckets.lowest() && *bucket <= buckets.highest());
    }
  }
  for (const PlainTypeRow& row : kPlainTypes) {
    const auto leading = search::read_leading_digits(row.type, canonical);
    if (!leading || leading->size != search::LeadingDigits::Size::finite) continue;
    check(leading->digits >= search::kLeastLeading && leading->digits < search::kLeadingEnd);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes(data, size);
  check_input(bytes);
  check_declaration(as_text(bytes));
  check_tokens(as_text(bytes));
  check_bucket(bytes);
  return 0;
}

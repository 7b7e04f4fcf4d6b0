#include "pg_nae/columns/asked_codes.hpp"

#include "pg_nae/pg/exchange.hpp"
#include "pg_nae/pg/report.hpp"
#include "pg_nae/pg/run_crypto.hpp"

namespace nae::columns {
namespace {

// To look for: all rows have no codes at all.
Datum no_codes() {
  return PointerGetDatum(construct_empty_array(INT4OID));
}

// In the memory of the current context, and forgotten in the process's.
ByteView kept(ByteView input) {
  auto* copy = static_cast<Byte*>(palloc(input.size()));
  std::copy(input.begin(), input.end(), copy);
  forget_search_input();
  return {copy, input.size()};
}

struct SearchAnswer {
  Datum codes{0};
  std::uint32_t mark;
  backend::Failure failure;
  bool is_refused = false;
};

SearchAnswer ask_codes(std::string_view key, SearchForm form, ByteView input) {
  pg::refuse_restricted_operation();
  if (!pg::fits_a_frame(input.size()))
    pg::raise(Code::value_too_large, "the tokens of one value are too many for one request");
  wire::CryptoRequest request;
  request.header.action = Action::search;
  request.header.algorithm = static_cast<std::uint8_t>(form);
  request.header.key = key;
  request.header.query_id = pgstat_get_my_query_id();
  request.items = {&input, 1};
  SearchAnswer answer;
  answer.mark = mark_of_input(key, input);
  pg::ExchangeAnswers answers{};
  answers.state = &answer;
  answers.consume = [](void* to, std::size_t, std::size_t, const wire::CryptoReplyView& reply) {
    auto& taken = *static_cast<SearchAnswer*>(to);
    wire::each_item(reply, [&](std::size_t, std::uint16_t status, ByteView answered) {
      if (status == static_cast<std::uint16_t>(wire::ItemResult::value))
        taken.codes = codes_of(answered, taken.mark);
      else
        pg::raise(Code::protocol_violation, "the key server made no codes of an item");
    });
  };
  answers.refuse = [](void* to, std::size_t, std::size_t, std::size_t,
                      const backend::Failure& failure) {
    auto& taken = *static_cast<SearchAnswer*>(to);
    taken.failure = failure;
    taken.is_refused = true;
  };
  pg::Traffic traffic;
  pg::Exchange exchange{};
  exchange.create_for_call();
  exchange.prepare({&request, 1}, answers, traffic);
  exchange.finish();
  return answer;
}

// Who may not search looks at all rows, as without an index: an index breaks nobody's statement,
// and masks are told by nothing that it answers. So does everybody once a version is retired.
bool searches_all_rows(Code code) {
  return code == Code::denied || code == Code::key_state || code == Code::key_attribute ||
         code == Code::key_type || code == Code::key_unknown;
}

}  // namespace

void raise_unread(SearchInput why, std::string_view declaration) {
  if (why == SearchInput::no_memory) pg::raise(Code::overloaded, "out of memory");
  if (why == SearchInput::other_unicode)
    pg::raise(Code::unsupported,
              psprintf("a search index of %.*s folds letters by another version of Unicode than "
                       "this library",
                       static_cast<int>(declaration.size()), declaration.data()),
              "CALL nae.rotate_search() makes its codes anew.");
  pg::raise(Code::invalid_argument,
            "what a search index is of cannot be read: its trigger was changed");
}

Datum codes_of(ByteView answered, std::uint32_t mark) {
  return PointerGetDatum(write_search_codes(
      answered, mark, static_cast<char*>(palloc(search_codes_bytes(answered.size())))));
}

std::uint32_t mark_of_input(std::string_view key, ByteView input) {
  SearchInputView read;
  if (!parse_search_input(input, read))
    pg::raise(Code::invalid_argument, "what codes are to be computed of is not well-formed");
  return search_mark(key, read.head);
}

Datum ask_stored_codes(std::string_view key, ByteView input) {
  const auto answer = ask_codes(key, SearchForm::stored, input);
  if (answer.is_refused) pg::raise(answer.failure);
  return answer.codes;
}

Datum ask_searched_codes(std::string_view key, const SearchOf& of, SearchInput made,
                         ByteView input) {
  if (made == SearchInput::no_token || made == SearchInput::other_unicode) return no_codes();
  if (made != SearchInput::made) raise_unread(made, of.declaration);
  const auto answer = ask_codes(key, SearchForm::searched, kept(input));
  if (answer.is_refused && !searches_all_rows(answer.failure.code)) pg::raise(answer.failure);
  return answer.is_refused ? no_codes() : answer.codes;
}

}  // namespace nae::columns

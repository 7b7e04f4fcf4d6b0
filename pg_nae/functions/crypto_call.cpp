#include "pg_nae/functions/crypto_call.hpp"

#include "libnae/base/text.hpp"
#include "pg_nae/functions/item_failure.hpp"
#include "pg_nae/pg/encoding.hpp"
#include "pg_nae/pg/report.hpp"
#include "pg_nae/pg/run_crypto.hpp"

namespace nae::functions {
namespace {

struct Collector {
  const CryptoCall* call;
  std::span<const ByteView> items;
  pg::Results results;
  std::size_t element = 0;  // of the argument, NULL ones counted, that the next item stands for

  // The 1-based place of the next item among all elements; 0 for one value.
  std::uint64_t next_place() {
    while (call->items.nulls[element]) ++element;
    ++element;
    return call->items.array == nullptr ? 0 : element;
  }
};

Datum boolean_result(ByteView data) {
  if (data.size() != 1 || data[0] > 1)
    pg::raise(Code::protocol_violation, "the answer to a verification is neither true nor false");
  return BoolGetDatum(data[0] == 1);
}

// Where policy answers with the ciphertext, a text shows it as PostgreSQL shows a bytea.
Datum hexadecimal_text(ByteView data) {
  auto* digits =
      static_cast<char*>(MemoryContextAllocHuge(CurrentMemoryContext, data.size() * 2 + 2));
  digits[0] = '\\';
  digits[1] = 'x';
  hex_encode(reinterpret_cast<const char*>(data.data()), data.size(), digits + 2);
  return pg::make_text({reinterpret_cast<const Byte*>(digits), data.size() * 2 + 2});
}

void collect(void* state, std::size_t first, const wire::CryptoReplyView& reply) {
  auto& collector = *static_cast<Collector*>(state);
  const CryptoCall& call = *collector.call;
  wire::each_item(reply, [&](std::size_t number, std::uint16_t status, ByteView data) {
    std::size_t index = first + number;
    std::uint64_t place = collector.next_place();
    if (status >= wire::kFirstErrorStatus) raise_item_failure(status, call, place);
    auto result = static_cast<wire::ItemResult>(status);
    bool is_null = result == wire::ItemResult::null;
    collector.results.nulls[index] = is_null;
    collector.results.datums[index] =
        is_null ? Datum{0} : result_datum(call.result, result, data, place);
  });
}

Oid type_of(ResultKind kind) {
  switch (kind) {
    case ResultKind::bytes:
      return BYTEAOID;
    case ResultKind::text:
      return TEXTOID;
    case ResultKind::boolean:
      break;
  }
  return BOOLOID;
}

}  // namespace

Datum result_datum(ResultKind kind, wire::ItemResult status, ByteView data, std::uint64_t place) {
  switch (kind) {
    case ResultKind::bytes:
      return pg::make_bytea(data);
    case ResultKind::boolean:
      return boolean_result(data);
    case ResultKind::text:
      break;
  }
  if (status == wire::ItemResult::ciphertext) return hexadecimal_text(data);
  return pg::make_text(pg::from_utf8(data, place));
}

Datum answer(FunctionCallInfo fcinfo, const CryptoCall& asked) {
  CryptoCall call = asked;
  std::span<const ByteView> seconds;
  if (call.seconds != nullptr) {
    pg::Elements second = *call.seconds;
    pg::spread_nulls(call.items, second);
    pg::spread_nulls(second, call.items);
    seconds = pg::non_null_views(second);
  }
  Collector collector{&call, pg::non_null_views(call.items), {}, 0};
  collector.results = pg::make_results(collector.items.size());

  wire::CryptoRequest request;
  request.header.action = call.action;
  request.header.algorithm = call.algorithm;
  request.header.key = call.key;
  request.header.query_id = pgstat_get_my_query_id();
  request.items = collector.items;
  request.seconds = seconds;
  request.aad = call.aad;
  pg::run_crypto(request, collect, &collector);
  return pg::as_datum(call.items, collector.results, type_of(call.result), fcinfo->isnull);
}

std::string_view key_argument(FunctionCallInfo fcinfo, int position) {
  std::string_view key = pg::text_view(PG_GETARG_DATUM(position));
  if (!is_name(key))
    pg::raise(Code::invalid_argument, "the name of the key is not well-formed",
              "The first argument is the name of a key: 1 to 128 letters, digits, '.', '_' or '-', "
              "beginning with a letter or digit.");
  return key;
}

bool is_key_reference(std::string_view text) noexcept {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return is_name(text);
  const std::string_view version = text.substr(colon + 1);
  return is_name(text.substr(0, colon)) && !version.empty() && version.size() <= 5 &&
         version.front() != '0' &&
         version.find_first_not_of("0123456789") == std::string_view::npos;
}

std::string_view key_reference_argument(FunctionCallInfo fcinfo) {
  std::string_view key = pg::text_view(PG_GETARG_DATUM(0));
  if (!is_key_reference(key))
    pg::raise(Code::invalid_argument, "the reference to the key is not well-formed",
              "The first argument is the name of a key, or the name, a colon and a version.");
  return key;
}

std::span<const ByteView> aad_argument(FunctionCallInfo fcinfo, int position, ByteView& storage) {
  if (PG_NARGS() <= position) return {};
  storage = pg::bytea_view(PG_GETARG_DATUM(position));
  return {&storage, 1};
}

}  // namespace nae::functions

#include "pg_nae/batch/column_calls.hpp"

#include "pg_nae/columns/column_type.hpp"
#include "pg_nae/columns/crypt.hpp"
#include "pg_nae/columns/declared_key.hpp"
#include "pg_nae/columns/fault.hpp"
#include "pg_nae/columns/given_ciphertext.hpp"
#include "pg_nae/columns/search_input.hpp"
#include "pg_nae/pg/exchange.hpp"
#include "pg_nae/pg/settings.hpp"
#include "pg_nae/pg/values.hpp"

namespace nae::batch {
namespace {

using columns::ColumnKey;
using columns::Value;

// A column value is its envelope and a header: write_ciphertext() into the room of an Answer.
static_assert(kSpareBytes >= kColumnHeaderBytes);

// Of the type that the call is of; the call itself says what is wrong with another.
bool read(Datum datum, const Item& item, Value& value) {
  return columns::try_read_value(pg::local_view(datum), value) &&
         columns::column_type(item.result_type).plain == value.type;
}

// Of a size that may be sent; the rest is refused by the call itself, in its own words.
Reading ask(const Item& item, std::size_t overhead_bytes) {
  bool fits = item.value.size() <= pg::settings.max_value_bytes() + overhead_bytes &&
              pg::fits_a_frame(item.value.size() + item.aad.size());
  return fits ? Reading::ask : Reading::defer;
}

Reading ready(Item& item, Datum datum) {
  item.ready = datum;
  return Reading::ready;
}

// A pending value under the key of the typmod.
Reading read_pending(const Value& value, int32 typmod, Item& item) {
  const ColumnKey& key = columns::column_key(typmod);
  item.key = key.reference;
  item.value = value.plaintext;
  item.aad = columns::associated_data(column_header(value.type, key.tag));
  return ask(item, 0);
}

// `key`: the name of the one that it must be of; empty where no column is known to say so.
Reading read_ciphertext(const Value& value, std::string_view key, Item& item) {
  item.key = key;
  item.value = value.ciphertext.envelope;
  item.stored = value.stored;
  item.aad = columns::associated_data(value.ciphertext.header);
  return ask(item, kGcmOverheadBytes);
}

}  // namespace

Reading read_encryption(const Batchable&, std::span<const Datum> arguments, Item& item) {
  Value value;
  int32 typmod = DatumGetInt32(arguments[1]);
  if (!read(arguments[0], item, value)) return Reading::defer;
  if (typmod < 0) return ready(item, arguments[0]);
  if (value.pending) return read_pending(value, typmod, item);
  const ColumnKey& key = columns::column_key(typmod);
  return columns::belongs(value, key) && columns::is_accepted(value, key)
             ? ready(item, arguments[0])
             : Reading::defer;
}

Reading read_search_token(const Batchable&, std::span<const Datum> arguments, Item& item) {
  Value value;
  if (!read(arguments[0], item, value)) return Reading::defer;
  const ColumnKey& key = columns::column_key(DatumGetInt32(arguments[1]));
  if (!value.pending)
    return columns::belongs(value, key) ? ready(item, arguments[0]) : Reading::defer;
  item.algorithm = static_cast<std::uint8_t>(EncryptForm::search_token);
  return read_pending(value, DatumGetInt32(arguments[1]), item);
}

Reading read_rewrap(const Batchable&, std::span<const Datum> arguments, Item& item) {
  Value value;
  if (!read(arguments[0], item, value) || value.pending || value.ciphertext.deterministic())
    return Reading::defer;
  return read_ciphertext(value, columns::declared_key(value.ciphertext.context), item);
}

Reading read_decryption(const Batchable& how, std::span<const Datum> arguments, Item& item) {
  Value value;
  if (!columns::try_read_value(pg::local_view(arguments[0]), value) || value.type != how.plain)
    return Reading::defer;
  if (value.pending) return ready(item, columns::plain_value(how.plain, value.plaintext));
  if (arguments.size() == 1)
    return read_ciphertext(value, columns::declared_key(value.ciphertext.context), item);
  const ColumnKey& key = columns::column_key(DatumGetInt32(arguments[1]));
  return columns::belongs(value, key) ? read_ciphertext(value, key.key, item) : Reading::defer;
}

Reading read_fault(const Batchable&, std::span<const Datum> arguments, Item& item) {
  Value value;
  if (const char* fault = columns::apparent_fault(arguments[0], DatumGetInt32(arguments[1]), value))
    return ready(item, CStringGetTextDatum(fault));
  return read_ciphertext(value, columns::column_key(DatumGetInt32(arguments[1])).key, item);
}

Datum make_ciphertext(const Batchable&, const Answer& answer) {
  Value value = columns::read_value(answer.arguments[0]);
  const ColumnKey& key = columns::column_key(DatumGetInt32(answer.arguments[1]));
  return columns::sealed(key, value.type, answer.bytes, answer.memory);
}

Datum make_search_codes(const Batchable&, const Answer& answer) {
  const std::size_t bytes = columns::search_codes_bytes(answer.bytes.size());
  SearchInputView input;
  parse_search_input(pg::local_view(answer.arguments[1]), input);  // as it was sent
  const std::uint32_t mark = search_mark(as_text(pg::local_view(answer.arguments[0])), input.head);
  return PointerGetDatum(
      columns::write_search_codes(answer.bytes, mark, static_cast<char*>(palloc(bytes))));
}

Datum make_rewrapped(const Batchable&, const Answer& answer) {
  Value value = columns::read_value(answer.arguments[0]);
  Datum made = columns::write_ciphertext(answer.memory, value.ciphertext.header, answer.bytes);
  columns::note_rewrapped(columns::read_value(made));
  return made;
}

Datum make_plaintext(const Batchable& how, const Answer& answer) {
  if (answer.arguments.size() > 2 && DatumGetBool(answer.arguments[2]))
    columns::expect_whole(answer.result);
  if (answer.result == wire::ItemResult::null) return Datum{0};
  if (how.plain == PlainType::bytea && answer.result == wire::ItemResult::value) {
    SET_VARSIZE(answer.memory, VARHDRSZ + answer.bytes.size());
    std::memcpy(VARDATA(answer.memory), answer.bytes.data(), answer.bytes.size());
    return PointerGetDatum(answer.memory);
  }
  Value value = columns::read_value(answer.arguments[0]);
  return columns::opened(how.plain, answer.result, answer.bytes, value.ciphertext.header);
}

}  // namespace nae::batch

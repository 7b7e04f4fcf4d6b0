// nae_internal.blind_index_input(purpose, context, value): what the code of a value is computed of;
// nae_internal.coding_of(relation, column): what the trigger that keeps the codes of a column is
// told.
#include "libnae/envelope/blind_index.hpp"

#include "pg_nae/columns/coding.hpp"
#include "pg_nae/columns/plaintext.hpp"
#include "pg_nae/pg/encoding.hpp"
#include "pg_nae/pg/report.hpp"
#include "pg_nae/pg/values.hpp"

namespace nae::columns {
namespace {

PlainType type_of_argument(FunctionCallInfo fcinfo, int place) {
  const Oid given = getBaseType(get_fn_expr_argtype(fcinfo->flinfo, place));
  for (const PlainTypeRow& row : kPlainTypes)
    if (plain_oid(row.type) == given) return row.type;
  pg::raise(Code::invalid_argument,
            psprintf("values of type %s have no code in a blind index", format_type_be(given)));
}

std::string_view name_argument(FunctionCallInfo fcinfo, int place) {
  const ByteView name = pg::to_utf8(pg::local_view(PG_GETARG_DATUM(place)));
  if (name.size() > kMaxBlindIndexNameBytes)
    pg::raise(Code::invalid_argument,
              "purpose and context of a blind index are at most 65535 bytes");
  return as_text(name);
}

// The column of codes, then the arguments.
Datum as_texts(Relation relation, const Trigger& trigger) {
  const int count = trigger.tgnargs + 1;
  auto* texts = static_cast<Datum*>(palloc(sizeof(Datum) * static_cast<std::size_t>(count)));
  texts[0] = CStringGetTextDatum(get_attname(RelationGetRelid(relation), trigger.tgattr[1], false));
  for (int i = 1; i < count; ++i) texts[i] = CStringGetTextDatum(trigger.tgargs[i - 1]);
  return PointerGetDatum(construct_array(texts, count, TEXTOID, -1, false, TYPALIGN_INT));
}

}  // namespace
}  // namespace nae::columns

using namespace nae;

// Of the canonical form: no setting of the session has a part in it.
NAE_FUNCTION(nae_blind_index_input) {
  const PlainType type = columns::type_of_argument(fcinfo, 2);
  const std::string_view purpose = columns::name_argument(fcinfo, 0);
  const std::string_view context = columns::name_argument(fcinfo, 1);
  const ByteView value = columns::canonical_form(type, PG_GETARG_DATUM(2), true);
  const std::size_t bytes = blind_index_input_bytes(purpose, context, value);
  auto* input = static_cast<Byte*>(palloc(bytes));
  write_blind_index_input(purpose, context, value, input);
  PG_RETURN_DATUM(pg::make_bytea({input, bytes}));
}

// By the relation cache, not by a query: a statement that waited for codes to be replaced has a
// snapshot from before, which still shows the trigger of the old ones, beside a column of new ones.
NAE_FUNCTION(nae_coding_of) {
  Relation relation = relation_open(PG_GETARG_OID(0), AccessShareLock);
  const AttrNumber column = get_attnum(RelationGetRelid(relation), NameStr(*PG_GETARG_NAME(1)));
  const Trigger* coding = columns::find_coding_trigger(relation, column);
  const Datum texts = coding != nullptr ? columns::as_texts(relation, *coding) : Datum{0};
  relation_close(relation, AccessShareLock);
  if (coding == nullptr) PG_RETURN_NULL();
  PG_RETURN_DATUM(texts);
}

// nae_internal.take_code(): the trigger before the one that keeps the codes of a blind index. It
// writes the code where that is known already. nae_internal.is_uncoded(row, key, normalization,
// version, context, purpose): whether the one that keeps the codes has anything left to do, of a
// row of the value and its code.
#include <algorithm>

#include "pg_nae/columns/known_codes.hpp"
#include "pg_nae/pg/values.hpp"

extern "C" {
#include "commands/trigger.h"
}

namespace nae::columns {
namespace {

HeapTuple with_code(const TriggerData& data, HeapTuple row) {
  const Trigger* coding = find_coding_trigger_beside(data.tg_relation, *data.tg_trigger);
  const KnownCodes* codes = coding == nullptr ? nullptr : KnownCodes::of(*coding);
  if (codes == nullptr) return row;
  TupleDesc shape = RelationGetDescr(data.tg_relation);
  bool is_null = true;  // NULL has no code
  const Datum value = column_of_row(row, coding->tgattr[0], shape, &is_null);
  const varlena* code = is_null ? nullptr : codes->find(pg::local_view(value));
  if (!is_null && code == nullptr) return row;
  int column = coding->tgattr[1];
  Datum written = PointerGetDatum(code);
  return heap_modify_tuple_by_cols(row, shape, 1, &column, &written, &is_null);
}

// Of a row of a value and its code; NULL needs none.
bool is_coded(const KnownCodes* codes, HeapTupleHeader row) {
  bool has_no_value = true, has_no_code = true;
  const Datum value = GetAttributeByNum(row, 1, &has_no_value);
  const Datum code = GetAttributeByNum(row, 2, &has_no_code);
  if (has_no_value || has_no_code) return has_no_value && has_no_code;
  const varlena* known = codes == nullptr ? nullptr : codes->find(pg::local_view(value));
  if (known == nullptr) return false;
  const ByteView written = pg::local_view(code), right = pg::local_view(PointerGetDatum(known));
  return std::equal(written.begin(), written.end(), right.begin(), right.end());
}

}  // namespace
}  // namespace nae::columns

using namespace nae;

NAE_FUNCTION(nae_take_code) {
  const auto* data =
      CALLED_AS_TRIGGER(fcinfo) ? reinterpret_cast<TriggerData*>(fcinfo->context) : nullptr;
  if (data == nullptr || !TRIGGER_FIRED_BEFORE(data->tg_event) ||
      !TRIGGER_FIRED_FOR_ROW(data->tg_event) || TRIGGER_FIRED_BY_DELETE(data->tg_event))
    ereport(ERROR, errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
            errmsg("nae_internal.take_code() is called by a trigger before a row is inserted or "
                   "updated"));
  HeapTuple row = TRIGGER_FIRED_BY_UPDATE(data->tg_event) ? data->tg_newtuple : data->tg_trigtuple;
  return PointerGetDatum(columns::KnownCodes::are_any() ? columns::with_code(*data, row) : row);
}

NAE_FUNCTION(nae_is_uncoded) {
  const columns::KnownCodes* codes = nullptr;
  if (columns::KnownCodes::are_any()) {
    std::string_view words[5];
    for (int i = 0; i < 5; ++i) words[i] = as_text(pg::local_view(PG_GETARG_DATUM(i + 1)));
    codes = columns::KnownCodes::of(words);
  }
  PG_RETURN_BOOL(!columns::is_coded(codes, row_at(PG_GETARG_DATUM(0))));
}

// nae_internal.plain_row(record): a row with the plaintexts of its encrypted columns, of an
// anonymous row type. For rows that no column reference takes apart: of functions, of PL/pgSQL's
// NEW and OLD.
#include "pg_nae/columns/casts.hpp"
#include "pg_nae/columns/column_type.hpp"
#include "pg_nae/columns/crypt.hpp"

namespace nae::columns {
namespace {

struct Row {
  TupleDesc columns;
  Datum* values;
  bool* nulls;
};

Row taken_apart(HeapTupleHeader header) {
  Row row;
  TupleDesc type =
      lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(header), HeapTupleHeaderGetTypMod(header));
  row.columns = CreateTupleDescCopy(type);
  ReleaseTupleDesc(type);
  auto count = static_cast<std::size_t>(row.columns->natts);
  row.values = static_cast<Datum*>(palloc(sizeof(Datum) * count));
  row.nulls = static_cast<bool*>(palloc(sizeof(bool) * count));
  HeapTupleData tuple;
  tuple.t_len = HeapTupleHeaderGetDatumLength(header);
  ItemPointerSetInvalid(&tuple.t_self);
  tuple.t_tableOid = InvalidOid;
  tuple.t_data = header;
  heap_deform_tuple(&tuple, row.columns, row.values, row.nulls);
  return row;
}

// Columns that were dropped are left out, as in the output of the table's rows.
Datum put_together(const Row& row) {
  int count = 0;
  for (int i = 0; i < row.columns->natts; ++i)
    count += !TupleDescAttr(row.columns, i)->attisdropped;
  TupleDesc columns = CreateTemplateTupleDesc(count);
  auto* values = static_cast<Datum*>(palloc(sizeof(Datum) * static_cast<std::size_t>(count + 1)));
  auto* nulls = static_cast<bool*>(palloc(sizeof(bool) * static_cast<std::size_t>(count + 1)));
  int place = 0;
  for (int i = 0; i < row.columns->natts; ++i) {
    auto* column = TupleDescAttr(row.columns, i);
    if (column->attisdropped) continue;
    const ColumnType* type = find_column_type(column->atttypid);
    Oid oid = type == nullptr ? column->atttypid : plain_oid(type->plain);
    values[place] = row.values[i];
    nulls[place] = row.nulls[i];
    if (type != nullptr && !nulls[place]) {
      Value value = read_value(values[place]);
      expect_type(value, type->plain);
      values[place] = plaintext_of(value, false, nulls[place]);
    }
    ++place;
    TupleDescInitEntry(columns, static_cast<AttrNumber>(place), NameStr(column->attname), oid,
                       type == nullptr ? column->atttypmod : -1, 0);
    TupleDescInitEntryCollation(columns, static_cast<AttrNumber>(place), column->attcollation);
  }
  return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(columns), values, nulls));
}

}  // namespace
}  // namespace nae::columns

NAE_FUNCTION(nae_plain_row) {
  using namespace nae::columns;
  return put_together(
      taken_apart(reinterpret_cast<HeapTupleHeader>(PG_DETOAST_DATUM(PG_GETARG_DATUM(0)))));
}

// nae_internal.first(anyelement, anyelement), of nae_internal.one_of(): the first of them.
NAE_FUNCTION(nae_first) {
  return PG_GETARG_DATUM(0);
}

#include "pg_nae/functions/table_result.hpp"

#include "pg_nae/pg/encoding.hpp"
#include "pg_nae/pg/release.hpp"
#include "pg_nae/pg/report.hpp"
#include "pg_nae/pg/values.hpp"

namespace nae::functions {

TableResult::TableResult(FunctionCallInfo fcinfo, int columns) {
  auto* info = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
  if (info == nullptr || !IsA(info, ReturnSetInfo) || !(info->allowedModes & SFRM_Materialize))
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("set-valued function called in context that cannot accept a set")));
  MemoryContext query = info->econtext->ecxt_per_query_memory;
  MemoryContext previous = MemoryContextSwitchTo(query);
  if (get_call_result_type(fcinfo, nullptr, &description_) != TYPEFUNC_COMPOSITE)
    elog(ERROR, "return type must be a row type");
  pg::expect_known_columns(description_, columns);
  store_ =
      tuplestore_begin_heap((info->allowedModes & SFRM_Materialize_Random) != 0, false, work_mem);
  info->returnMode = SFRM_Materialize;
  info->setResult = store_;
  info->setDesc = description_;
  MemoryContextSwitchTo(previous);
}

void TableResult::add(const Datum* values, const bool* nulls) {
  tuplestore_putvalues(store_, description_, const_cast<Datum*>(values), const_cast<bool*>(nulls));
}

void expect_columns(const Table& table, std::span<const std::string_view> names) {
  bool same = table.columns.size() == names.size();
  for (std::size_t i = 0; same && i < names.size(); ++i) same = table.columns[i] == names[i];
  if (!same) pg::raise(Code::protocol_violation, "the answer to a lookup has other columns");
}

Datum text_cell(const std::optional<std::string>& cell, bool& is_null) {
  is_null = !cell.has_value();
  if (is_null) return Datum{0};
  return pg::make_text(pg::from_utf8(as_bytes(*cell)));
}

}  // namespace nae::functions

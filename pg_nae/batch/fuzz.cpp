#ifdef NAE_BATCH_FUZZ
#include "pg_nae/batch/fuzz.hpp"

#include "pg_nae/batch/batch_plan.hpp"

namespace nae::batch {
namespace {

bool debug_batch_all = false;

bool is_plain(Oid type) {
  return type != INTERNALOID && get_typtype(type) != TYPTYPE_PSEUDO;
}

bool is_fit(Form_pg_proc row) {
  bool fit = row->prokind == PROKIND_FUNCTION && row->prolang == INTERNALlanguageId &&
             row->proisstrict && !row->proretset && row->provolatile != PROVOLATILE_VOLATILE &&
             !OidIsValid(row->provariadic) && row->pronargs >= 1 &&
             row->pronargs <= CallShape::kMaxArguments && is_plain(row->prorettype);
  for (int i = 0; fit && i < row->pronargs; ++i) fit = is_plain(row->proargtypes.values[i]);
  return fit;
}

}  // namespace

void define_fuzz_setting() {
  DefineCustomBoolVariable(
      "nae."
      "debug_batch_all",
      "Batches PostgreSQL's own functions.", nullptr, &debug_batch_all, false, PGC_USERSET, 0,
      nullptr, nullptr, nullptr);
}

bool fuzzing() {
  return debug_batch_all;
}

bool is_fuzzed(Oid function) {
  HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
  if (!HeapTupleIsValid(tuple)) return false;
  bool fit = is_fit(reinterpret_cast<Form_pg_proc>(GETSTRUCT(tuple)));
  ReleaseSysCache(tuple);
  return fit;
}

}  // namespace nae::batch
#endif

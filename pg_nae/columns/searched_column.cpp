#include "pg_nae/columns/searched_column.hpp"

#include "pg_nae/columns/coding_function.hpp"
#include "pg_nae/columns/range_bound.hpp"
#include "pg_nae/columns/search_functions.hpp"
#include "pg_nae/columns/search_input.hpp"
#include "pg_nae/pg/encoding.hpp"
#include "pg_nae/pg/values.hpp"

extern "C" {
#include "access/genam.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "utils/snapmgr.h"
}

namespace nae::columns {
namespace {

// The column that `… IS NULL` asks for; 0: it is something else.
AttrNumber null_test_of(const Node* node) {
  if (!IsA(node, NullTest)) return 0;
  const auto* test = reinterpret_cast<const NullTest*>(node);
  if (test->nulltesttype != IS_NULL || test->argisrow || !IsA(test->arg, Var)) return 0;
  return reinterpret_cast<const Var*>(test->arg)->varattno;
}

std::string_view as_utf8_words(std::string_view text) {
  return as_text(pg::to_utf8(as_bytes(text)));
}

std::uint32_t mark_of(const Coding& coding) {
  return search_mark_of(psprintf("%s:%s", coding.key.data(), coding.version.data()),
                        {as_utf8_words(coding.purpose), as_utf8_words(coding.context),
                         as_utf8_words(coding.normalization)});
}

// CHECK (nae.has_codes((value IS NULL), codes, mark)), as install/0.2.0/search.sql adds it.
bool says_complete(const char* check, const Coding& coding) {
  auto* node = static_cast<Node*>(stringToNode(check));
  if (!IsA(node, FuncExpr)) return false;
  auto* call = reinterpret_cast<FuncExpr*>(node);
  if (call->funcid != codes_check() || list_length(call->args) != 3) return false;
  auto* codes = static_cast<Node*>(lsecond(call->args));
  auto* mark = static_cast<Node*>(lthird(call->args));
  return null_test_of(static_cast<Node*>(linitial(call->args))) == coding.column &&
         IsA(codes, Var) && reinterpret_cast<Var*>(codes)->varattno == coding.code_column &&
         IsA(mark, Const) && !reinterpret_cast<Const*>(mark)->constisnull &&
         DatumGetUInt32(reinterpret_cast<Const*>(mark)->constvalue) == mark_of(coding);
}

// Whoever's snapshot is older than the CHECK may see rows that had no codes yet: on a standby no
// change waits for him. As indcheckxmin of an index in PostgreSQL's plancat.c.
bool is_seen(Relation relation, const char* check) {
  Relation constraints = table_open(ConstraintRelationId, AccessShareLock);
  ScanKeyData keys[3];
  ScanKeyInit(&keys[0], Anum_pg_constraint_conrelid, BTEqualStrategyNumber, F_OIDEQ,
              ObjectIdGetDatum(RelationGetRelid(relation)));
  ScanKeyInit(&keys[1], Anum_pg_constraint_contypid, BTEqualStrategyNumber, F_OIDEQ,
              ObjectIdGetDatum(InvalidOid));
  ScanKeyInit(&keys[2], Anum_pg_constraint_conname, BTEqualStrategyNumber, F_NAMEEQ,
              CStringGetDatum(check));
  SysScanDesc scan =
      systable_beginscan(constraints, ConstraintRelidTypidNameIndexId, true, nullptr, 3, keys);
  HeapTuple tuple = systable_getnext(scan);
  const bool seen = HeapTupleIsValid(tuple) &&
                    TransactionIdPrecedes(HeapTupleHeaderGetXmin(tuple->t_data), TransactionXmin);
  systable_endscan(scan);
  table_close(constraints, AccessShareLock);
  return seen;
}

bool is_complete(Relation relation, const Coding& coding) {
  const TupleConstr* constraints = RelationGetDescr(relation)->constr;
  for (int i = 0; constraints != nullptr && i < constraints->num_check; ++i) {
    const ConstrCheck& check = constraints->check[i];
    if (check.ccvalid && !check.ccnoinherit && says_complete(check.ccbin, coding) &&
        is_seen(relation, check.ccname))
      return true;
  }
  return false;
}

// Parts whose codes nobody keeps: PostgreSQL holds no CHECK of a foreign table, which another
// server may break, and a table that inherits without being a partition has none of the triggers.
bool has_unkept_parts(Relation relation) {
  if (relation->rd_rel->relkind == RELKIND_FOREIGN_TABLE) return true;
  if (!relation->rd_rel->relhassubclass) return false;
  ListCell* cell;
  foreach (cell, find_all_inheritors(RelationGetRelid(relation), NoLock, nullptr)) {
    const Oid part = lfirst_oid(cell);
    if (part == RelationGetRelid(relation)) continue;
    if (!get_rel_relispartition(part) || get_rel_relkind(part) == RELKIND_FOREIGN_TABLE)
      return true;
  }
  return false;
}

bool is_searched(Relation relation, AttrNumber column, Coding& coding) {
  if (!find_search(relation, column, coding) ||
      !is_coded_by(as_utf8_words(coding.normalization), coding.type))
    return false;
  if (TupleDescAttr(RelationGetDescr(relation), coding.code_column - 1)->atttypid != INT4ARRAYOID)
    return false;
  return is_complete(relation, coding) && !has_unkept_parts(relation) &&
         OidIsValid(coder_of(coding));
}

}  // namespace

bool find_searched_column(const Query* query, const Var* column, SearchedColumn& searched) {
  const auto* table = rt_fetch(column->varno, query->rtable);
  if (table->rtekind != RTE_RELATION) return false;
  Relation relation = table_open(table->relid, NoLock);  // locked by who analyzed the query
  Coding coding;
  const bool found = is_searched(relation, column->varattno, coding);
  if (found)
    searched = {coding.code_column,
                psprintf("%s:%s", coding.key.data(), coding.version.data()),
                pstrdup(coding.purpose.data()),
                pstrdup(coding.context.data()),
                pstrdup(coding.normalization.data()),
                has_buckets_by(as_utf8_words(coding.normalization), coding.type)};
  table_close(relation, NoLock);
  return found;
}

namespace {

SearchOf search_of(const SearchedColumn& searched) {
  return {as_utf8_words(searched.purpose), as_utf8_words(searched.context),
          as_utf8_words(searched.declaration)};
}

}  // namespace

bool may_serve(const SearchedColumn& searched, search::Condition condition, const Const* text) {
  if (text->constisnull) return false;
  ByteView value;
  if (!pg::try_to_utf8(pg::local_view(text->constvalue), value)) return false;
  ByteView input;
  const SearchInput made = search_input(search_of(searched), condition, as_text(value), input);
  forget_search_input();
  return made == SearchInput::made;
}

bool may_serve_range(const SearchedColumn& searched, const Const* low, const Const* high) {
  const RangeBound first = range_bound(low->consttype, low->constvalue, low->constisnull);
  const RangeBound last = range_bound(high->consttype, high->constvalue, high->constisnull);
  ByteView input;
  const SearchInput made = range_input(search_of(searched), first, last, input);
  forget_search_input();
  return made == SearchInput::made;
}

}  // namespace nae::columns

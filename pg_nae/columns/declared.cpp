#include "pg_nae/columns/declared.hpp"

namespace nae::columns {
namespace {

// Each has one place, where the one that was there before is forgotten. Beyond that number a
// session pays the catalogs' own caches, which it pays anyway without this.
constexpr std::size_t kFunctions = 256;
constexpr std::size_t kOperators = 256;
constexpr std::size_t kColumns = 1024;

template <class Declared>
struct Remembered {
  Oid object;
  std::uint64_t generation;
  Declared declared;
};
Remembered<DeclaredFunction> functions[kFunctions];
std::uint64_t function_generation = 1;
Remembered<DeclaredOperator> operators[kOperators];
std::uint64_t operator_generation = 1;

struct RememberedColumn {
  Oid relation;
  AttrNumber column;
  std::uint64_t generation;
  DeclaredColumn declared;
};
RememberedColumn columns[kColumns];
std::uint64_t column_generation = 1;

bool watching_declarations = false;

void forget_functions(Datum, pg::SystemCache, uint32) {
  ++function_generation;
}

void forget_operators(Datum, pg::SystemCache, uint32) {
  ++operator_generation;
}

void forget_columns(Datum, Oid) {
  ++column_generation;
}

void watch_declarations() {
  if (watching_declarations) return;
  CacheRegisterSyscacheCallback(PROCOID, forget_functions, Datum{0});
  CacheRegisterSyscacheCallback(OPEROID, forget_operators, Datum{0});
  CacheRegisterRelcacheCallback(forget_columns, Datum{0});
  watching_declarations = true;
}

// False when there is none.
bool read(Oid function, DeclaredFunction& declared) {
  HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
  if (!HeapTupleIsValid(tuple)) return false;
  auto* row = reinterpret_cast<Form_pg_proc>(GETSTRUCT(tuple));
  declared.count = row->pronargs;
  for (int i = 0; i < row->pronargs; ++i) {
    declared.types[i] = row->proargtypes.values[i];
    declared.pseudo[i] = get_typtype(declared.types[i]) == TYPTYPE_PSEUDO;
  }
  declared.schema = row->pronamespace;
  declared.in_native_code = row->prolang == INTERNALlanguageId || row->prolang == ClanguageId;
  declared.follows = row->prokind == PROKIND_FUNCTION && IsPolymorphicType(row->prorettype);
  ReleaseSysCache(tuple);
  return true;
}

bool read(Oid opno, DeclaredOperator& declared) {
  HeapTuple tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(opno));
  if (!HeapTupleIsValid(tuple)) return false;
  auto* row = reinterpret_cast<Form_pg_operator>(GETSTRUCT(tuple));
  declared = {row->oprleft, row->oprright, row->oprcode, row->oprnamespace};
  ReleaseSysCache(tuple);
  return true;
}

template <class Declared>
const Declared* remembered_at(Remembered<Declared>& remembered, Oid object,
                              const std::uint64_t& generation) {
  if (remembered.object == object && remembered.generation == generation)
    return &remembered.declared;
  watch_declarations();
  // A change that arrives meanwhile, or an error, leaves this reading a stale one.
  const std::uint64_t read_generation = generation;
  remembered.object = InvalidOid;
  if (!read(object, remembered.declared)) return nullptr;
  remembered.object = object;
  remembered.generation = read_generation;
  return &remembered.declared;
}

}  // namespace

const DeclaredFunction* declared_function(Oid function) {
  return remembered_at(functions[function % kFunctions], function, function_generation);
}

const DeclaredOperator* declared_operator(Oid opno) {
  return remembered_at(operators[opno % kOperators], opno, operator_generation);
}

DeclaredColumn declared_column(Oid relation, AttrNumber column) {
  RememberedColumn& remembered =
      columns[(relation * std::size_t{31} + static_cast<std::size_t>(column)) % kColumns];
  if (remembered.relation == relation && remembered.column == column &&
      remembered.generation == column_generation)
    return remembered.declared;
  watch_declarations();
  const std::uint64_t generation = column_generation;
  DeclaredColumn declared{};
  Oid collation;
  get_atttypetypmodcoll(relation, column, &declared.type, &declared.typmod, &collation);
  remembered = {relation, column, generation, declared};
  return declared;
}

}  // namespace nae::columns

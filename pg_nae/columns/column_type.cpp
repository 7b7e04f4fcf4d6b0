#include "pg_nae/columns/column_type.hpp"

#include <algorithm>

#include "pg_nae/columns/declared.hpp"
#include "pg_nae/pg/extension.hpp"

namespace nae::columns {
namespace {

// What the catalogs say of one encrypted type, read when that type is first met.
struct Read {
  ColumnType type;
  bool is_known;
  bool casts_are_known;
  // Casts to other types than the plaintext's, by way of that.
  static constexpr int kMaxCasts = 64;
  Oid casts[kMaxCasts];
};
constexpr std::size_t kPlain = std::size(kPlainTypes);
Read read_types[2 * kPlain];  // randomized ones, then deterministic ones

// What was found for the number of a type, at its place in a table: another takes the place of the
// one that was there before.
struct Looked {
  Oid type;
  std::uint64_t generation;
  const ColumnType* found;  // nullptr: it is none
};
constexpr std::size_t kLooked = 256;
Looked looked[kLooked];
std::uint64_t type_generation = 1;

// Whether the extension is there, and where.
Oid known_schema = InvalidOid;
Oid known_internal = InvalidOid;
Oid known_row_decryption = InvalidOid;
Oid known_representative = InvalidOid;
std::uint64_t known_schemas = 0;
std::uint64_t schemas = 1;
bool watching_types = false;

// Dropping a type is the one way to be rid of its functions and casts.
void forget_type(Datum, pg::SystemCache, uint32 hash) {
  ++type_generation;
  if (!OidIsValid(known_schema)) ++schemas;
  for (Read& read : read_types)
    if (hash == 0 || read.type.hash == hash) read.is_known = false;
}

// The extension comes and goes with its schemas.
void forget_schemas(Datum, pg::SystemCache, uint32) {
  ++type_generation;
  ++schemas;
  for (Read& read : read_types) read.is_known = false;
}

// By the caches and not by name: the schema's privileges say who may write its names in SQL, not
// who has encrypted columns.
Oid function(const char* name, std::initializer_list<Oid> arguments) {
  oidvector* types = buildoidvector(arguments.begin(), static_cast<int>(arguments.size()));
  return GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum(name),
                         PointerGetDatum(types), ObjectIdGetDatum(known_internal));
}

Oid operator_of(const char* name, Oid type) {
  return GetSysCacheOid4(OPERNAMENSP, Anum_pg_operator_oid, CStringGetDatum(name),
                         ObjectIdGetDatum(type), ObjectIdGetDatum(type),
                         ObjectIdGetDatum(known_schema));
}

void learn_casts(Read& read) {
  const Oid extension = pg::extension_id();
  CatCList* casts = SearchSysCacheList1(CASTSOURCETARGET, ObjectIdGetDatum(read.type.type));
  int count = 0;
  std::fill(std::begin(read.casts), std::end(read.casts), InvalidOid);
  for (int i = 0; i < casts->n_members; ++i) {
    auto* cast = reinterpret_cast<Form_pg_cast>(GETSTRUCT(&casts->members[i]->tuple));
    bool other =
        cast->casttarget != read.type.type && cast->casttarget != plain_oid(read.type.plain);
    // Casts that somebody else made are not ours to take apart.
    if (!other || !pg::is_member(extension, CastRelationId, cast->oid)) continue;
    if (count == Read::kMaxCasts) elog(ERROR, "an encrypted type has too many casts");
    read.casts[count++] = cast->castfunc;
  }
  ReleaseSysCacheList(casts);
  read.casts_are_known = true;
}

bool is_complete(const ColumnType& type) {
  bool randomized = OidIsValid(type.array_type) && OidIsValid(type.encrypt) &&
                    OidIsValid(type.pend) && OidIsValid(type.decrypt) &&
                    OidIsValid(type.decrypt_of) && OidIsValid(type.decrypt_whole) &&
                    OidIsValid(type.decrypt_array);
  if (!randomized || !type.deterministic) return randomized;
  return OidIsValid(type.search_token) && OidIsValid(type.search_token_array) &&
         OidIsValid(type.pend_array) && OidIsValid(type.equal) && OidIsValid(type.not_equal);
}

Read& read_of(PlainType plain, bool deterministic) {
  std::size_t row = 0;
  while (kPlainTypes[row].type != plain) ++row;
  return read_types[row + (deterministic ? kPlain : 0)];
}

// False while the extension's script runs: a type may be there without its functions.
bool learn(Oid type, const char* name, PlainType plain, bool deterministic) {
  ColumnType found{};
  found.type = type;
  found.hash = GetSysCacheHashValue1(TYPEOID, ObjectIdGetDatum(type));
  found.array_type = get_array_type(type);
  found.plain = plain;
  found.deterministic = deterministic;
  found.encrypt = function(name, {type, INT4OID, BOOLOID});
  found.pend = function(name, {plain_oid(plain)});
  found.decrypt = function("plain", {type});
  found.decrypt_of = function("plain", {type, INT4OID});
  found.decrypt_whole = function("plain", {type, INT4OID, BOOLOID});
  found.decrypt_array = function("plain", {found.array_type});
  if (deterministic) {
    found.search_token = function("search_token", {type, INT4OID});
    found.search_token_array = function("search_token", {found.array_type, INT4OID});
    found.pend_array = function(name, {plain_array_oid(plain)});
    found.equal = operator_of("=~", type);
    found.not_equal = operator_of("<>~", type);
  }
  if (!is_complete(found)) return false;
  Read& read = read_of(plain, deterministic);
  read.type = found;
  read.casts_are_known = false;
  read.is_known = true;
  return true;
}

// nullptr: no encrypted type has the name.
const PlainTypeRow* row_of(std::string_view name, bool& deterministic) {
  constexpr std::string_view kPrefix = "enc_", kDeterministic = "det_";
  if (!name.starts_with(kPrefix)) return nullptr;
  name.remove_prefix(kPrefix.size());
  deterministic = name.starts_with(kDeterministic);
  if (deterministic) name.remove_prefix(kDeterministic.size());
  for (const PlainTypeRow& row : kPlainTypes)
    if (name == row.name) return row.deterministic || !deterministic ? &row : nullptr;
  return nullptr;
}

// A type of the extension's schema: `lasts` is false where the answer may be another one soon.
const ColumnType* learn(Oid type, const char* name, bool& lasts) {
  bool deterministic = false;
  const PlainTypeRow* row = row_of(name, deterministic);
  if (row == nullptr || !pg::is_of_extension(TypeRelationId, type)) return nullptr;
  const Read& read = read_of(row->type, deterministic);
  if (read.is_known && read.type.type == type) return &read.type;
  lasts = learn(type, name, row->type, deterministic);
  return lasts ? &read.type : nullptr;
}

const ColumnType* look_up(Oid type, bool& lasts) {
  HeapTuple tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
  if (!HeapTupleIsValid(tuple)) return nullptr;
  auto* row = reinterpret_cast<Form_pg_type>(GETSTRUCT(tuple));
  const bool is_domain = row->typtype == TYPTYPE_DOMAIN;
  const bool is_ours = row->typnamespace == known_schema && row->typtype == TYPTYPE_BASE;
  char* name = is_ours ? pstrdup(NameStr(row->typname)) : nullptr;
  ReleaseSysCache(tuple);
  if (is_domain) return find_column_type(getBaseType(type));
  return is_ours ? learn(type, name, lasts) : nullptr;
}

void watch_types() {
  if (watching_types) return;
  CacheRegisterSyscacheCallback(TYPEOID, forget_type, Datum{0});
  CacheRegisterSyscacheCallback(NAMESPACEOID, forget_schemas, Datum{0});
  watching_types = true;
}

void learn_schemas() {
  if (known_schemas == schemas) return;
  watch_types();
  // A change that arrives meanwhile, or an error, leaves this reading a stale one.
  const std::uint64_t read_generation = schemas;
  known_row_decryption = known_representative = InvalidOid;
  known_schema = pg::column_schema();
  known_internal = pg::internal_schema();
  known_schemas = read_generation;
}

Oid known_function(Oid& known, const char* name, Oid argument) {
  if (has_column_types() && !OidIsValid(known)) known = function(name, {argument});
  return known;
}

}  // namespace

bool has_column_types() {
  learn_schemas();
  return OidIsValid(known_schema) && OidIsValid(known_internal);
}

bool may_have_column_types() {
  return known_schemas != schemas || (OidIsValid(known_schema) && OidIsValid(known_internal));
}

bool knows_column_types() {
  return known_schemas == schemas && may_have_column_types();
}

const ColumnType* find_column_type(Oid type) {
  if (type < FirstNormalObjectId || !has_column_types()) return nullptr;
  Looked& place = looked[type % kLooked];
  if (place.type == type && place.generation == type_generation) return place.found;
  const std::uint64_t read_generation = type_generation;
  bool lasts = true;
  const ColumnType* found = look_up(type, lasts);
  if (lasts) place = {type, read_generation, found};
  return found;
}

const ColumnType* find_column_type_of_array(Oid array_type) {
  if (array_type < FirstNormalObjectId || !has_column_types()) return nullptr;
  Oid element = get_element_type(array_type);
  return OidIsValid(element) ? find_column_type(element) : nullptr;
}

bool is_cast_of(const ColumnType& type, Oid function) {
  Read& read = read_of(type.plain, type.deterministic);
  if (!read.casts_are_known) learn_casts(read);
  return std::find(std::begin(read.casts), std::end(read.casts), function) != std::end(read.casts);
}

bool is_column_function(Oid function) {
  if (function < FirstNormalObjectId || !has_column_types()) return false;
  const DeclaredFunction* declared = declared_function(function);
  return declared != nullptr &&
         (declared->schema == known_internal || declared->schema == known_schema);
}

Oid row_decryption() {
  return known_function(known_row_decryption, "plain_row", RECORDOID);
}

Oid representative_aggregate() {
  return known_function(known_representative, "one_of", ANYELEMENTOID);
}

const ColumnType& column_type(Oid type) {
  const ColumnType* found = find_column_type(type);
  if (found == nullptr) elog(ERROR, "type %u is no encrypted type", type);
  return *found;
}

}  // namespace nae::columns

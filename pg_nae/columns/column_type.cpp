#include "pg_nae/columns/column_type.hpp"

#include <algorithm>

#include "pg_nae/columns/declared.hpp"
#include "pg_nae/pg/extension.hpp"

namespace nae::columns {
namespace {

// What was found in the catalogs in one generation of them.
ColumnType known[kEncryptedTypes];
Oid known_oids[kEncryptedTypes];  // of these: what most is looked for in
std::size_t known_count = 0;
Oid known_schema = InvalidOid;
Oid known_internal = InvalidOid;
Oid known_row_decryption = InvalidOid;
Oid known_representative = InvalidOid;
std::uint64_t known_generation = 0;
std::uint64_t generation = 1;
bool watching = false;

bool is_known(uint32 hash) {
  return std::any_of(known, known + known_count,
                     [hash](const ColumnType& type) { return type.hash == hash; });
}

// Types come with every table. Once all of ours are known only theirs matter; dropping them is the
// one way to be rid of their functions and casts.
void forget(Datum, int, uint32 hash) {
  if (hash == 0 || known_count != kEncryptedTypes || is_known(hash)) ++generation;
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

void learn_casts(ColumnType& type) {
  const Oid extension = pg::extension_id();
  CatCList* casts = SearchSysCacheList1(CASTSOURCETARGET, ObjectIdGetDatum(type.type));
  int count = 0;
  for (int i = 0; i < casts->n_members; ++i) {
    auto* cast = reinterpret_cast<Form_pg_cast>(GETSTRUCT(&casts->members[i]->tuple));
    bool other = cast->casttarget != type.type && cast->casttarget != plain_oid(type.plain);
    // Casts that somebody else made are not ours to take apart.
    if (!other || !pg::is_member(extension, CastRelationId, cast->oid)) continue;
    if (count == ColumnType::kMaxCasts) elog(ERROR, "an encrypted type has too many casts");
    type.casts[count++] = cast->castfunc;
  }
  ReleaseSysCacheList(casts);
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

void learn(PlainType plain, bool deterministic) {
  char* name = psprintf("enc_%s%s", deterministic ? "det_" : "", plain_name(plain));
  Oid type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum(name),
                             ObjectIdGetDatum(known_schema));
  if (!OidIsValid(type) || !pg::is_of_extension(TypeRelationId, type)) return;
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
  learn_casts(found);
  // While the extension's script runs, a type may be there without its functions.
  if (is_complete(found)) known[known_count++] = found;
}

void learn_types() {
  for (const PlainTypeRow& plain : kPlainTypes) {
    learn(plain.type, false);
    if (plain.deterministic) learn(plain.type, true);
  }
  known_row_decryption = function("plain_row", {RECORDOID});
  known_representative = function("one_of", {ANYELEMENTOID});
  std::sort(known, known + known_count,
            [](const ColumnType& a, const ColumnType& b) { return a.type < b.type; });
  for (std::size_t i = 0; i < known_count; ++i) known_oids[i] = known[i].type;
}

void learn_all() {
  if (known_generation == generation) return;
  if (!watching) {
    CacheRegisterSyscacheCallback(TYPEOID, forget, Datum{0});
    watching = true;
  }
  // A change that arrives meanwhile, or an error, leaves this reading a stale one.
  const std::uint64_t read_generation = generation;
  known_count = 0;
  known_schema = pg::column_schema();
  known_internal = pg::internal_schema();
  if (OidIsValid(known_schema) && OidIsValid(known_internal)) learn_types();
  known_generation = read_generation;
}

}  // namespace

bool has_column_types() {
  learn_all();
  return known_count != 0;
}

bool may_have_column_types() {
  return known_generation != generation || known_count != 0;
}

const ColumnType* find_column_type(Oid type) {
  if (type < FirstNormalObjectId || !has_column_types()) return nullptr;
  const Oid* end = known_oids + known_count;
  const Oid* found = std::lower_bound(static_cast<const Oid*>(known_oids), end, type);
  if (found != end && *found == type) return known + (found - known_oids);
  if (get_typtype(type) != TYPTYPE_DOMAIN) return nullptr;
  return find_column_type(getBaseType(type));
}

const ColumnType* find_column_type_of_array(Oid array_type) {
  if (array_type < FirstNormalObjectId || !has_column_types()) return nullptr;
  for (std::size_t i = 0; i < known_count; ++i)
    if (known[i].array_type == array_type) return &known[i];
  // Of a domain over one.
  Oid element = get_element_type(array_type);
  return OidIsValid(element) ? find_column_type(element) : nullptr;
}

bool is_cast_of(const ColumnType& type, Oid function) {
  return std::find(std::begin(type.casts), std::end(type.casts), function) != std::end(type.casts);
}

bool is_column_function(Oid function) {
  if (function < FirstNormalObjectId || !has_column_types()) return false;
  const DeclaredFunction* declared = declared_function(function);
  return declared != nullptr &&
         (declared->schema == known_internal || declared->schema == known_schema);
}

Oid row_decryption() {
  learn_all();
  return known_row_decryption;
}

Oid representative_aggregate() {
  learn_all();
  return known_representative;
}

const ColumnType& column_type(Oid type) {
  const ColumnType* found = find_column_type(type);
  if (found == nullptr) elog(ERROR, "type %u is no encrypted type", type);
  return *found;
}

}  // namespace nae::columns

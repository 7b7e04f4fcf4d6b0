#include "pg_nae/columns/column_key.hpp"

#include "pg_nae/columns/declared_key.hpp"
#include "pg_nae/columns/modifiers.hpp"
#include "pg_nae/pg/extension.hpp"
#include "pg_nae/pg/report.hpp"

namespace nae::columns {
namespace {

// What was read, by typmod. Rows are never changed, so that what is here stays true.
HTAB* known_keys = nullptr;

ColumnKey* known_entry(int32 typmod, HASHACTION action, bool* found) {
  if (known_keys == nullptr) {
    HASHCTL control{};
    control.keysize = sizeof(int32);
    control.entrysize = sizeof(ColumnKey);
    known_keys = hash_create("nae column keys", 64, &control, HASH_ELEM | HASH_BLOBS);
  }
  return static_cast<ColumnKey*>(hash_search(known_keys, &typmod, action, found));
}

std::string_view kept(const char* text) {
  return MemoryContextStrdup(TopMemoryContext, text);
}

const ColumnKey& keep(int32 typmod, const Modifiers& modifiers) {
  ContextTag tag = tag_of(modifiers);
  std::string_view key = kept(modifiers.key);
  std::string_view context = kept(modifiers.context);
  std::string_view reference =
      modifiers.version == 0 ? key : kept(psprintf("%s:%d", modifiers.key, modifiers.version));
  ColumnKey* entry = known_entry(typmod, HASH_ENTER, nullptr);
  *entry = {typmod, key, context, modifiers.version, reference, tag};
  return *entry;
}

// Newer than the statement's: a type that exists has its row. Parallel execution allows no new one.
Snapshot newest_snapshot() {
  return IsInParallelMode() && ActiveSnapshotSet() ? GetActiveSnapshot() : GetLatestSnapshot();
}

void read_columns(HeapTuple tuple, Relation relation, Modifiers& modifiers) {
  constexpr int kColumns = 4;
  Datum values[kColumns];
  bool nulls[kColumns];
  heap_deform_tuple(tuple, RelationGetDescr(relation), values, nulls);
  modifiers.key = TextDatumGetCString(values[1]);
  modifiers.context = TextDatumGetCString(values[2]);
  modifiers.version = DatumGetInt32(values[3]);
}

// A row of nae_internal.column_key.
bool read_row(int32 typmod, Modifiers& modifiers) {
  Oid table = pg::relation_of_extension("column_key");
  Oid index = pg::relation_of_extension("column_key_pkey");
  if (!OidIsValid(table) || !OidIsValid(index)) return false;
  Relation relation = table_open(table, AccessShareLock);
  ScanKeyData key;
  ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(typmod));
  Snapshot snapshot = RegisterSnapshot(newest_snapshot());
  SysScanDesc scan = systable_beginscan(relation, index, true, snapshot, 1, &key);
  HeapTuple tuple = systable_getnext(scan);
  bool found = HeapTupleIsValid(tuple);
  if (found) read_columns(tuple, relation, modifiers);
  systable_endscan(scan);
  UnregisterSnapshot(snapshot);
  table_close(relation, AccessShareLock);
  return found;
}

// As the extension's owner: whoever may create a table may name a key; what they may do with it is
// the policy's to say.
void write_row(int32 typmod, const Modifiers& modifiers) {
  Oid user;
  int security;
  GetUserIdAndSecContext(&user, &security);
  SetUserIdAndSecContext(pg::extension_owner(), security | SECURITY_LOCAL_USERID_CHANGE);
  SPI_connect();
  Oid types[] = {INT4OID, TEXTOID, TEXTOID, INT4OID};
  Datum values[] = {Int32GetDatum(typmod), CStringGetTextDatum(modifiers.key),
                    CStringGetTextDatum(modifiers.context), Int32GetDatum(modifiers.version)};
  SPI_execute_with_args(
      "INSERT INTO nae_internal.column_key VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING", 4,
      types, values, nullptr, false, 0);
  SPI_finish();
  SetUserIdAndSecContext(user, security);
  CommandCounterIncrement();
}

}  // namespace

const ColumnKey& column_key(int32 typmod) {
  bool found;
  const ColumnKey* entry = known_entry(typmod, HASH_FIND, &found);
  if (found) return *entry;
  Modifiers modifiers;
  if (!read_row(typmod, modifiers))
    pg::raise(Code::invalid_argument,
              psprintf("the key of an encrypted column is not known (type modifier %d)", typmod),
              "Table nae_internal.column_key has lost a row; declaring a column with the same "
              "modifiers brings it back.");
  return keep(typmod, modifiers);
}

int32 register_column_key(ArrayType* array, bool deterministic) {
  Modifiers modifiers = read_modifiers(array, deterministic);
  int32 typmod = typmod_of(modifiers);
  // pg_upgrade makes the tables one by one, this one's among them, and then moves their files.
  if (IsBinaryUpgrade) return typmod;
  Modifiers there;
  if (!read_row(typmod, there)) {
    expect_tag_to_be_free(tag_of(modifiers), modifiers.key);
    write_row(typmod, modifiers);
    if (!read_row(typmod, there)) elog(ERROR, "nae_internal.column_key takes no row");
  }
  bool same = std::strcmp(there.key, modifiers.key) == 0 &&
              std::strcmp(there.context, modifiers.context) == 0 &&
              there.version == modifiers.version;
  if (!same)
    pg::raise(Code::conflict, "two declarations of encrypted columns have the same type modifier",
              "Add or change the context of the one you declare now.");
  return typmod;
}

void each_declaration(void (*visit)(const Modifiers&, void*), void* state) {
  Oid table = pg::relation_of_extension("column_key");
  if (!OidIsValid(table)) return;
  Relation relation = table_open(table, AccessShareLock);
  Snapshot snapshot = RegisterSnapshot(newest_snapshot());
  SysScanDesc scan = systable_beginscan(relation, InvalidOid, false, snapshot, 0, nullptr);
  for (HeapTuple tuple; HeapTupleIsValid(tuple = systable_getnext(scan));) {
    Modifiers declared;
    read_columns(tuple, relation, declared);
    visit(declared, state);
  }
  systable_endscan(scan);
  UnregisterSnapshot(snapshot);
  table_close(relation, AccessShareLock);
}

void keep_column_key(int32 typmod) {
  Modifiers there;
  if (read_row(typmod, there)) return;
  const ColumnKey& key = column_key(typmod);
  Modifiers known_here;
  known_here.key = key.key.data();
  known_here.context = key.context.data();
  known_here.version = key.version;
  write_row(typmod, known_here);
}

char* modifiers_in_words(int32 typmod) {
  const ColumnKey& key = column_key(typmod);
  StringInfoData text;
  initStringInfo(&text);
  appendStringInfo(&text, "(%s", quote_literal_cstr(key.key.data()));
  if (!key.context.empty())
    appendStringInfo(&text, ",%s", quote_literal_cstr(psprintf("context=%s", key.context.data())));
  if (key.version > 1)
    appendStringInfo(&text, ",%s", quote_literal_cstr(psprintf("version=%d", key.version)));
  appendStringInfoChar(&text, ')');
  return text.data;
}

}  // namespace nae::columns

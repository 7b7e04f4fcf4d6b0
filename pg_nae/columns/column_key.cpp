#include "pg_nae/columns/column_key.hpp"

#include "libnae/base/text.hpp"
#include "pg_nae/pg/extension.hpp"
#include "pg_nae/pg/report.hpp"

namespace nae::columns {
namespace {

constexpr std::size_t kMaxContextBytes = 128;
constexpr int kMaxVersion = UINT16_MAX;
constexpr char kForm[] =
    "Write nae.enc_text('KEY'), or nae.enc_text('KEY', 'context=TEXT'); a deterministic type also "
    "takes 'version=N'.";

// What was read, by typmod. Rows are never changed, so that what is here stays true.
HTAB* known = nullptr;

struct Modifiers {
  const char* key = nullptr;
  const char* context = "";
  int version = 0;
};

ColumnKey* known_entry(int32 typmod, HASHACTION action, bool* found) {
  if (known == nullptr) {
    HASHCTL control{};
    control.keysize = sizeof(int32);
    control.entrysize = sizeof(ColumnKey);
    known = hash_create("nae column keys", 64, &control, HASH_ELEM | HASH_BLOBS);
  }
  return static_cast<ColumnKey*>(hash_search(known, &typmod, action, found));
}

std::array<Byte, PG_SHA256_DIGEST_LENGTH> sha256(std::string_view text) {
  std::array<Byte, PG_SHA256_DIGEST_LENGTH> digest;
  pg_cryptohash_ctx* hash = pg_cryptohash_create(PG_SHA256);
  bool done = hash != nullptr && pg_cryptohash_init(hash) == 0 &&
              pg_cryptohash_update(hash, as_bytes(text).data(), text.size()) == 0 &&
              pg_cryptohash_final(hash, digest.data(), digest.size()) == 0;
  pg_cryptohash_free(hash);
  if (!done) elog(ERROR, "could not compute a SHA-256 digest");
  return digest;
}

// Key and context with a byte between them that neither has.
StringInfoData key_and_context(const Modifiers& modifiers) {
  StringInfoData text;
  initStringInfo(&text);
  appendStringInfoString(&text, modifiers.key);
  appendStringInfoChar(&text, '\0');
  appendStringInfoString(&text, modifiers.context);
  return text;
}

ContextTag tag_of(const Modifiers& modifiers) {
  StringInfoData text = key_and_context(modifiers);
  auto digest = sha256({text.data, static_cast<std::size_t>(text.len)});
  ContextTag tag;
  std::memcpy(tag.data(), digest.data(), tag.size());
  return tag;
}

// 31 bits: a typmod below zero is none.
int32 typmod_of(const Modifiers& modifiers) {
  StringInfoData text = key_and_context(modifiers);
  appendStringInfo(&text, "%c%d", '\0', modifiers.version);
  auto digest = sha256({text.data, static_cast<std::size_t>(text.len)});
  return static_cast<int32>(load_big_endian<std::uint32_t>(digest.data()) & 0x7fffffffu);
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

// A row of nae.column_key.
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
  if (found) {
    constexpr int kColumns = 4;
    Datum values[kColumns];
    bool nulls[kColumns];
    heap_deform_tuple(tuple, RelationGetDescr(relation), values, nulls);
    modifiers.key = TextDatumGetCString(values[1]);
    modifiers.context = TextDatumGetCString(values[2]);
    modifiers.version = DatumGetInt32(values[3]);
  }
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
  SPI_execute_with_args("INSERT INTO nae.column_key VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
                        4, types, values, nullptr, false, 0);
  SPI_finish();
  SetUserIdAndSecContext(user, security);
  CommandCounterIncrement();
}

bool starts_with(const char* text, const char* prefix, const char*& rest) {
  std::size_t size = std::strlen(prefix);
  rest = text + size;
  return std::strncmp(text, prefix, size) == 0;
}

int version_number(const char* text) {
  int version = 0;
  for (const char* c = text; *c != '\0'; ++c) {
    if (*c < '0' || *c > '9' || version > kMaxVersion) return 0;
    version = version * 10 + (*c - '0');
  }
  return version <= kMaxVersion ? version : 0;
}

void read_option(const char* text, bool deterministic, Modifiers& modifiers) {
  const char* rest;
  if (starts_with(text, "context=", rest)) {
    modifiers.context = rest;
    if (std::strlen(rest) > kMaxContextBytes)
      pg::raise(Code::invalid_argument, "the context of an encrypted column is too long",
                "It has at most 128 bytes.");
    return;
  }
  if (starts_with(text, "version=", rest) && deterministic) {
    modifiers.version = version_number(rest);
    if (modifiers.version == 0)
      pg::raise(Code::invalid_argument, "the key version of an encrypted column is no number",
                "Versions count from 1 to 65535.");
    return;
  }
  pg::raise(Code::invalid_argument, "unknown modifier of an encrypted type", kForm);
}

Modifiers read_modifiers(ArrayType* array, bool deterministic) {
  Datum* words;
  int count;
  // The parser passes one word at least; anybody else may pass anything.
  if (ARR_ELEMTYPE(array) != CSTRINGOID || ARR_NDIM(array) != 1 || array_contains_nulls(array))
    pg::raise(Code::invalid_argument, "the modifiers of an encrypted type are no list of words",
              kForm);
  deconstruct_array(array, CSTRINGOID, -2, false, TYPALIGN_CHAR, &words, nullptr, &count);
  Modifiers modifiers;
  modifiers.key = DatumGetCString(words[0]);
  modifiers.version = deterministic ? 1 : 0;
  if (!is_name(modifiers.key))
    pg::raise(Code::invalid_argument, "the name of the key is not well-formed", kForm);
  for (int i = 1; i < count; ++i) read_option(DatumGetCString(words[i]), deterministic, modifiers);
  return modifiers;
}

}  // namespace

const ColumnKey& column_key(int32 typmod) {
  bool found;
  const ColumnKey* entry = known_entry(typmod, HASH_FIND, &found);
  if (found) return *entry;
  Modifiers modifiers;
  if (!read_row(typmod, modifiers))
    pg::raise(
        Code::invalid_argument,
        psprintf("the key of an encrypted column is not known (type modifier %d)", typmod),
        "Table nae.column_key has lost a row; declaring a column with the same modifiers brings "
        "it back.");
  return keep(typmod, modifiers);
}

int32 register_column_key(ArrayType* array, bool deterministic) {
  Modifiers modifiers = read_modifiers(array, deterministic);
  int32 typmod = typmod_of(modifiers);
  Modifiers there;
  if (!read_row(typmod, there)) {
    write_row(typmod, modifiers);
    if (!read_row(typmod, there)) elog(ERROR, "nae.column_key takes no row");
  }
  bool same = std::strcmp(there.key, modifiers.key) == 0 &&
              std::strcmp(there.context, modifiers.context) == 0 &&
              there.version == modifiers.version;
  if (!same)
    pg::raise(Code::conflict, "two declarations of encrypted columns have the same type modifier",
              "Add or change the context of the one you declare now.");
  return typmod;
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

#include "pg_nae/batch/batchable.hpp"

#include <algorithm>

#include "pg_nae/batch/column_calls.hpp"
#include "pg_nae/pg/extension.hpp"

namespace nae::batch {
namespace {

using functions::ResultKind;

constexpr auto kBlindIndex = static_cast<std::uint8_t>(MacForm::blind_index);
constexpr auto kBlindIndexCode = static_cast<std::uint8_t>(MacForm::blind_index_code);

constexpr Batchable decryption(std::string_view symbol, PlainType type) {
  return {.symbol = symbol,
          .action = Action::decrypt,
          .result = is_character(type) ? ResultKind::text : ResultKind::bytes,
          .read = read_decryption,
          .make = make_plaintext,
          .plain = type,
          .opens = true};
}

constexpr Batchable kBatchable[] = {
    {.symbol = "nae_decrypt_bytea", .action = Action::decrypt, .aad = 1},
    {.symbol = "nae_decrypt_text", .action = Action::decrypt, .aad = 1, .result = ResultKind::text},
    {.symbol = "nae_rewrap_bytea", .action = Action::rewrap, .aad = 1},
    {.symbol = "nae_encrypt_bytea", .action = Action::encrypt, .key = 0, .item = 1, .aad = 2},
    {.symbol = "nae_encrypt_text",
     .action = Action::encrypt,
     .key = 0,
     .item = 1,
     .aad = 2,
     .text_item = true},
    {.symbol = "nae_mac_bytea", .action = Action::mac, .key = 0, .item = 1},
    {.symbol = "nae_mac_text", .action = Action::mac, .key = 0, .item = 1, .text_item = true},
    {.symbol = "nae_blind_index_bytea",
     .action = Action::mac,
     .algorithm = kBlindIndex,
     .key = 0,
     .item = 1,
     .versioned = true},
    {.symbol = "nae_blind_index_text",
     .action = Action::mac,
     .algorithm = kBlindIndex,
     .key = 0,
     .item = 1,
     .text_item = true,
     .versioned = true},
    {.symbol = "nae_blind_index_code",
     .action = Action::mac,
     .algorithm = kBlindIndexCode,
     .key = 0,
     .item = 1,
     .versioned = true},
    {.symbol = "nae_search_codes",
     .action = Action::search,
     .key = 0,
     .item = 1,
     .versioned = true,
     .make = make_search_codes},
    {.symbol = "nae_mac_verify_bytea",
     .action = Action::mac_verify,
     .key = 0,
     .item = 1,
     .second = 2,
     .result = ResultKind::boolean},
    {.symbol = "nae_mac_verify_text",
     .action = Action::mac_verify,
     .key = 0,
     .item = 1,
     .second = 2,
     .text_item = true,
     .result = ResultKind::boolean},
    {.symbol = "nae_sign_bytea", .action = Action::sign, .key = 0, .item = 1, .scheme = 2},
    {.symbol = "nae_sign_text",
     .action = Action::sign,
     .key = 0,
     .item = 1,
     .scheme = 2,
     .text_item = true},
    {.symbol = "nae_verify_bytea",
     .action = Action::verify,
     .key = 0,
     .item = 1,
     .second = 2,
     .scheme = 3,
     .result = ResultKind::boolean},
    {.symbol = "nae_verify_text",
     .action = Action::verify,
     .key = 0,
     .item = 1,
     .second = 2,
     .scheme = 3,
     .text_item = true,
     .result = ResultKind::boolean},

    {.symbol = "nae_column_encrypt",
     .action = Action::encrypt,
     .read = read_encryption,
     .make = make_ciphertext},
    {.symbol = "nae_column_search_token",
     .action = Action::encrypt,
     .read = read_search_token,
     .make = make_ciphertext},
    {.symbol = "nae_column_rewrap",
     .action = Action::rewrap,
     .read = read_rewrap,
     .make = make_rewrapped},
    {.symbol = "nae_column_fault",
     .action = Action::decrypt,
     .read = read_fault,
     .answers_fault = true},
#define NAE_DECRYPTION(number, member, name, deterministic) \
  decryption("nae_column_decrypt_" #name, PlainType::member),
    NAE_PLAIN_TYPES(NAE_DECRYPTION)
#undef NAE_DECRYPTION
};

// A function of this database that was looked at, at its place in a table: another takes the place
// of the one that was there before. The extension's functions have neighbouring numbers.
struct Looked {
  Oid function;
  std::uint64_t generation;
  const Batchable* how;  // nullptr: it is none
};
constexpr std::size_t kLooked = 4096;
Looked looked[kLooked];

// Of the same, by the hash of its pg_proc row: all that plans record of it.
struct Mentioned {
  uint32 hash;
  std::uint64_t generation;
  bool is_batchable;
};
Mentioned mentioned[kLooked];

// Of each encrypted type: encrypt, rewrap, fault, two search tokens and three decryptions. Then our
// others.
constexpr std::size_t kMaxHashes = 8 * kEncryptedTypes + 64;

// Of all of them, once they had to be read; sorted.
uint32 hashes[kMaxHashes];
std::size_t hash_count = 0;
std::uint64_t hashes_generation = 0;

// What was found in the catalogs holds until a function changes.
std::uint64_t generation = 1;
bool watching_functions = false;

void forget(Datum, pg::SystemCache, uint32) {
  ++generation;
}

void watch() {
  if (!watching_functions) CacheRegisterSyscacheCallback(PROCOID, forget, Datum{0});
  watching_functions = true;
}

const Batchable* by_symbol(std::string_view symbol) {
  for (const Batchable& row : kBatchable)
    if (row.symbol == symbol) return &row;
  return nullptr;
}

// The extension alone defines such functions; STRICT is what lets NULL be left out of a request.
const Batchable* how_of(Oid extension, HeapTuple tuple, TupleDesc shape) {
  auto* row = reinterpret_cast<Form_pg_proc>(GETSTRUCT(tuple));
  if (row->prolang != ClanguageId || !row->proisstrict || row->proretset) return nullptr;
  bool is_null = true;
  Datum source = column_of_row(tuple, Anum_pg_proc_prosrc, shape, &is_null);
  const Batchable* how = is_null ? nullptr : by_symbol(TextDatumGetCString(source));
  return how != nullptr && pg::is_member(extension, ProcedureRelationId, row->oid) ? how : nullptr;
}

// A scan and not the cache: a backend would keep a copy of each function's row.
const Batchable* read_function(Oid function) {
  Relation functions = table_open(ProcedureRelationId, AccessShareLock);
  ScanKeyData key;
  ScanKeyInit(&key, Anum_pg_proc_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(function));
  SysScanDesc scan = systable_beginscan(functions, ProcedureOidIndexId, true, nullptr, 1, &key);
  HeapTuple tuple = systable_getnext(scan);
  const Batchable* how = HeapTupleIsValid(tuple)
                             ? how_of(pg::extension_id(), tuple, RelationGetDescr(functions))
                             : nullptr;
  systable_endscan(scan);
  table_close(functions, AccessShareLock);
  return how;
}

// From end to end and past the caches: the extension has thousands of functions, and each backend
// would keep a copy of every one to find the few hundred. False where there are too many.
bool read_hashes(Oid extension) {
  Relation functions = table_open(ProcedureRelationId, AccessShareLock);
  SysScanDesc scan = systable_beginscan(functions, InvalidOid, false, nullptr, 0, nullptr);
  bool complete = true;
  for (HeapTuple tuple; HeapTupleIsValid(tuple = systable_getnext(scan));) {
    if (how_of(extension, tuple, RelationGetDescr(functions)) == nullptr) continue;
    if (hash_count == kMaxHashes) {
      complete = false;
      break;
    }
    const Oid function = reinterpret_cast<Form_pg_proc>(GETSTRUCT(tuple))->oid;
    hashes[hash_count++] = GetSysCacheHashValue1(PROCOID, ObjectIdGetDatum(function));
  }
  systable_endscan(scan);
  table_close(functions, AccessShareLock);
  return complete;
}

enum class Mention : std::uint8_t { no, yes, unknown };

Mention mention_of(uint32 hash) {
  const Mentioned& place = mentioned[hash % kLooked];
  if (place.hash == hash && place.generation == generation)
    return place.is_batchable ? Mention::yes : Mention::no;
  if (hashes_generation != generation) return Mention::unknown;
  return std::binary_search(hashes, hashes + hash_count, hash) ? Mention::yes : Mention::no;
}

// Plans record each function above the initial catalogs that they depend on.
template <class Predicate>
bool mentions(const PlannedStmt* statement, Predicate predicate) {
  ListCell* cell;
  foreach (cell, statement->invalItems) {
    auto* item = lfirst_node(PlanInvalItem, cell);
    if (item->cacheId == PROCOID && predicate(mention_of(item->hashValue))) return true;
  }
  return false;
}

}  // namespace

const Batchable* find_batchable(Oid function) {
  if (function < FirstNormalObjectId) return nullptr;
  Looked& place = looked[function % kLooked];
  if (place.function == function && place.generation == generation) return place.how;
  watch();
  // A change that arrives meanwhile, or an error, leaves this reading a stale one.
  const std::uint64_t read_generation = generation;
  place = {InvalidOid, read_generation, nullptr};
  const Batchable* how = read_function(function);
  place = {function, read_generation, how};
  const uint32 hash = GetSysCacheHashValue1(PROCOID, ObjectIdGetDatum(function));
  mentioned[hash % kLooked] = {hash, read_generation, how != nullptr};
  return how;
}

bool opens_column(Oid function) {
  const Batchable* how = find_batchable(function);
  return how != nullptr && how->opens;
}

bool may_mention_batchable(const PlannedStmt* statement) {
  return mentions(statement, [](Mention mention) { return mention != Mention::no; });
}

void learn_mentioned(const PlannedStmt* statement) {
  if (!mentions(statement, [](Mention mention) { return mention == Mention::unknown; })) return;
  watch();
  // A change that arrives meanwhile, or an error, leaves this reading a stale one.
  const std::uint64_t read_generation = generation;
  hash_count = 0;
  const Oid extension = pg::extension_id();
  if (OidIsValid(extension) && !read_hashes(extension)) return;
  std::sort(hashes, hashes + hash_count);
  hashes_generation = read_generation;
}

bool mentions_batchable(const PlannedStmt* statement) {
  if (mentions(statement, [](Mention mention) { return mention == Mention::yes; })) return true;
  learn_mentioned(statement);
  return may_mention_batchable(statement);
}

}  // namespace nae::batch

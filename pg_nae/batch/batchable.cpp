#include "pg_nae/batch/batchable.hpp"

#include <algorithm>

#include "pg_nae/batch/column_calls.hpp"
#include "pg_nae/pg/extension.hpp"

namespace nae::batch {
namespace {

using functions::ResultKind;

constexpr auto kBlindIndex = static_cast<std::uint8_t>(wire::MacForm::blind_index);
constexpr auto kBlindIndexCode = static_cast<std::uint8_t>(wire::MacForm::blind_index_code);

constexpr Batchable decryption(std::string_view symbol, PlainType type) {
  return {.symbol = symbol,
          .action = Action::decrypt,
          .result = is_character(type) ? ResultKind::text : ResultKind::bytes,
          .read = read_decryption,
          .make = make_plaintext,
          .plain = type};
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

// A function of this database that is in the table.
struct Known {
  Oid function;
  uint32 hash;  // of its pg_proc row, as plans record it
  const Batchable* how;
};

// Of each encrypted type: encrypt, rewrap, fault, two search tokens and three decryptions. Then our
// others.
constexpr std::size_t kMaxKnown = 8 * kEncryptedTypes + 64;

// What was found in the catalogs, until a function changes.
Known known[kMaxKnown];
std::size_t known_count = 0;
std::uint64_t known_generation = 0;
std::uint64_t generation = 1;
bool watching_functions = false;

void forget(Datum, int, uint32) {
  ++generation;
}

const Batchable* by_symbol(std::string_view symbol) {
  for (const Batchable& row : kBatchable)
    if (row.symbol == symbol) return &row;
  return nullptr;
}

// The extension alone defines such functions; STRICT is what lets NULL be left out of a request.
void learn(Oid extension, HeapTuple tuple, TupleDesc shape) {
  auto* row = reinterpret_cast<Form_pg_proc>(GETSTRUCT(tuple));
  if (row->prolang != ClanguageId || !row->proisstrict || row->proretset) return;
  bool is_null = true;
  // Not heap_getattr(): built with newer minor releases it takes a server of these.
  Datum source = fastgetattr(tuple, Anum_pg_proc_prosrc, shape, &is_null);
  const Batchable* how = is_null ? nullptr : by_symbol(TextDatumGetCString(source));
  if (how == nullptr || known_count == kMaxKnown) return;
  if (!pg::is_member(extension, ProcedureRelationId, row->oid)) return;
  known[known_count++] = {row->oid, GetSysCacheHashValue1(PROCOID, ObjectIdGetDatum(row->oid)),
                          how};
}

// Read from end to end and past the caches: the extension has thousands of functions, and each
// backend would keep a copy of every one to find the few hundred.
void learn_all_functions(Oid extension) {
  Relation functions = table_open(ProcedureRelationId, AccessShareLock);
  SysScanDesc scan = systable_beginscan(functions, InvalidOid, false, nullptr, 0, nullptr);
  for (HeapTuple tuple; HeapTupleIsValid(tuple = systable_getnext(scan));)
    learn(extension, tuple, RelationGetDescr(functions));
  systable_endscan(scan);
  table_close(functions, AccessShareLock);
}

void learn_functions() {
  if (known_generation == generation) return;
  if (!watching_functions) CacheRegisterSyscacheCallback(PROCOID, forget, Datum{0});
  watching_functions = true;
  // A change that arrives meanwhile, or an error, leaves this reading a stale one.
  const std::uint64_t read_generation = generation;
  known_count = 0;
  Oid extension = pg::extension_id();
  if (OidIsValid(extension)) learn_all_functions(extension);
  std::sort(known, known + known_count,
            [](const Known& a, const Known& b) { return a.function < b.function; });
  known_generation = read_generation;
}

}  // namespace

const Batchable* find_batchable(Oid function) {
  if (function < FirstNormalObjectId) return nullptr;
  learn_functions();
  const Known* end = known + known_count;
  const Known* found =
      std::lower_bound(static_cast<const Known*>(known), end, function,
                       [](const Known& one, Oid oid) { return one.function < oid; });
  return found != end && found->function == function ? found->how : nullptr;
}

bool may_mention_batchable(const PlannedStmt* statement) {
  // Plans record each function above the initial catalogs that they depend on.
  ListCell* cell;
  foreach (cell, statement->invalItems) {
    auto* item = lfirst_node(PlanInvalItem, cell);
    if (item->cacheId != PROCOID) continue;
    learn_functions();
    for (std::size_t i = 0; i < known_count; ++i)
      if (known[i].hash == item->hashValue) return true;
  }
  return false;
}

}  // namespace nae::batch

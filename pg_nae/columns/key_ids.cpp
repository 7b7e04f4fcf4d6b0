#include "pg_nae/columns/key_ids.hpp"

#include "libnae/base/text.hpp"
#include "pg_nae/functions/table_result.hpp"
#include "pg_nae/pg/lookup.hpp"
#include "pg_nae/pg/report.hpp"

namespace nae::columns {
namespace {

constexpr std::string_view kColumns[] = {"name", "id"};
constexpr std::size_t kNameBytes = 128 + 1;  // is_name()
constexpr std::int64_t kFreshUs = 60 * 1000000ll;

struct Entry {
  char name[kNameBytes];
  KeyId id;
};

// The last answer: to which role, in a statement of which time. A key that was made anew under an
// old name has another id: an answer grows old.
struct Answer {
  Oid role = InvalidOid;
  TimestampTz statement = 0;
  HTAB* ids = nullptr;
};
Answer last_answer;

bool is_fresh() {
  return last_answer.role == GetUserId() &&
         GetCurrentStatementStartTimestamp() >= last_answer.statement &&
         GetCurrentStatementStartTimestamp() - last_answer.statement < kFreshUs;
}

void forget_ids() {
  if (last_answer.ids != nullptr) hash_destroy(last_answer.ids);
  last_answer.ids = nullptr;
  HASHCTL control{};
  control.keysize = kNameBytes;
  control.entrysize = sizeof(Entry);
  last_answer.ids = hash_create("nae key ids", 64, &control, HASH_ELEM | HASH_STRINGS);
  last_answer.role = GetUserId();
  last_answer.statement = GetCurrentStatementStartTimestamp();
}

// False for what is no row of such an answer.
bool read_cells(const std::vector<std::optional<std::string>>& row, char* key_name,
                KeyId& id) noexcept {
  if (!row[0] || !row[1] || !is_name(*row[0])) return false;
  auto bytes = from_hex(*row[1]);
  if (!bytes || bytes->size() != id.bytes.size()) return false;
  std::memcpy(id.bytes.data(), bytes->data(), id.bytes.size());
  std::memcpy(key_name, row[0]->c_str(), row[0]->size() + 1);
  return true;
}

void keep_answer(const Table& table) {
  functions::expect_columns(table, kColumns);
  for (const auto& row : table.rows) {
    char key_name[kNameBytes];
    KeyId id;
    if (!read_cells(row, key_name, id))
      pg::raise(Code::protocol_violation, "the answer to a lookup holds no id of a key");
    auto* entry = static_cast<Entry*>(hash_search(last_answer.ids, key_name, HASH_ENTER, nullptr));
    entry->id = id;
  }
}

// Nobody answers here. Whatever else is raised goes on, a cancel among it.
bool says_nobody_answers(int sqlstate) {
  for (Code code : {Code::agent_unavailable, Code::server_unavailable, Code::connection_lost,
                    Code::timeout, Code::overloaded, Code::tls_failed, Code::program_unknown,
                    Code::device_unknown, Code::role_undetermined, Code::restricted_operation,
                    Code::user_token_rejected, Code::unsupported})
    if (sqlstate == pg::sqlstate_of(code)) return true;
  return false;
}

// The exchange alone is guarded, which leaves nothing undone but its connection. `most_ms` as
// run_lookup() has it.
void ask(int most_ms = 0) {
  forget_ids();
  MemoryContext context = CurrentMemoryContext;
  PG_TRY();
  { keep_answer(pg::run_lookup(wire::LookupSubject::key_ids, most_ms)); }
  PG_CATCH();
  {
    MemoryContextSwitchTo(context);
    ErrorData* error = CopyErrorData();
    if (!says_nobody_answers(error->sqlerrcode)) {
      last_answer.role = InvalidOid;
      PG_RE_THROW();
    }
    FlushErrorState();
    FreeErrorData(error);
  }
  PG_END_TRY();
}

bool was_asked_now() {
  return is_fresh() && last_answer.statement == GetCurrentStatementStartTimestamp();
}

bool is_told(const ColumnKey& key) {
  return hash_search(last_answer.ids, key.key.data(), HASH_FIND, nullptr) != nullptr;
}

// Of columns by their typmods: whether this is the first time for `typmod` in this session.
bool is_first(HTAB*& seen, int32 typmod) {
  if (seen == nullptr) {
    HASHCTL control{};
    control.keysize = control.entrysize = sizeof(int32);
    seen = hash_create("nae columns told of", 16, &control, HASH_ELEM | HASH_BLOBS);
  }
  bool found;
  hash_search(seen, &typmod, HASH_ENTER, &found);
  return !found;
}

}  // namespace

OfKey known_to_be_of(const ColumnKey& key, const Value& ciphertext) {
  if (!is_fresh()) return OfKey::unknown;
  auto* entry =
      static_cast<Entry*>(hash_search(last_answer.ids, key.key.data(), HASH_FIND, nullptr));
  if (entry == nullptr) return OfKey::unknown;
  return entry->id == ciphertext.ciphertext.key.key ? OfKey::yes : OfKey::no;
}

OfKey is_of(const ColumnKey& key, const Value& ciphertext) {
  const OfKey known = known_to_be_of(key, ciphertext);
  const bool good = is_fresh() && (known != OfKey::no || was_asked_now());
  if (good) return known;
  ask();
  return known_to_be_of(key, ciphertext);
}

void notice_missing_key(const ColumnKey& key) {
  static HTAB* noticed = nullptr;
  constexpr int kMostMs = 1000;
  // A key may be newer than the last answer. No key at all: nobody answered, or the role is nobody
  // to the policy, as an administrator is, and then it is told nothing.
  if (!is_fresh()) ask(kMostMs);
  if (hash_get_num_entries(last_answer.ids) == 0 || is_told(key)) return;
  if (!was_asked_now()) ask(kMostMs);
  if (hash_get_num_entries(last_answer.ids) == 0 || is_told(key)) return;
  if (!is_first(noticed, key.typmod)) return;
  ereport(NOTICE,
          (errmsg("key \"%s\" is not there, or role %s may do nothing with it", key.key.data(),
                  GetUserNameFromId(GetUserId(), false)),
           errdetail("The column is declared all the same. Values are encrypted once the key is "
                     "there."),
           errhint("SELECT * FROM nae_keys() shows what this role may use; nae key create makes a "
                   "key.")));
}

void raise_foreign(const ColumnKey& key) {
  pg::raise(
      Code::envelope_foreign,
      psprintf("a ciphertext of another key is not taken for one of key \"%s\"", key.key.data()),
      "It was encrypted under a key of another name or another installation, or under one "
      "that had this name before. nae.verify_table counts such values.");
}

void warn_not_compared(const ColumnKey& key) {
  static HTAB* warned = nullptr;
  if (!is_first(warned, key.typmod)) return;
  ereport(WARNING,
          (errmsg("ciphertexts are not compared with key \"%s\"", key.key.data()),
           errdetail("No key server told this role the id of the key."),
           errhint("What was encrypted under another key cannot be read. nae.verify_table, called "
                   "by a role that may use the key, counts such values.")));
}

}  // namespace nae::columns

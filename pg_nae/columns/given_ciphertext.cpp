#include "pg_nae/columns/given_ciphertext.hpp"

#include "pg_nae/columns/crypt.hpp"
#include "pg_nae/columns/key_ids.hpp"
#include "pg_nae/pg/settings.hpp"

namespace nae::columns {
namespace {

// What the key server has granted in one statement; afterwards the policy may be another, and the
// key of that name, too.
struct Grant {
  ContextTag tag;  // of key and context
  KeyId id;        // of the key that the server used
  Oid role;
  TimestampTz statement;
};
constexpr std::size_t kMostGrants = 16;
Grant grants[kMostGrants];
std::size_t next_grant = 0;

bool is_granted(const ContextTag& tag, const KeyId& id) {
  for (const Grant& grant : grants)
    if (grant.statement == GetCurrentStatementStartTimestamp() && grant.role == GetUserId() &&
        grant.tag == tag && grant.id == id)
      return true;
  return false;
}

// `made` by the key server, for this role.
void note_grant(const Value& made) {
  const ColumnValueView& ciphertext = made.ciphertext;
  if (is_granted(ciphertext.context, ciphertext.key.key)) return;
  grants[next_grant] = {ciphertext.context, ciphertext.key.key, GetUserId(),
                        GetCurrentStatementStartTimestamp()};
  next_grant = (next_grant + 1) % kMostGrants;
}

bool is_trusted() {
  return pg::settings.accept_ciphertext || superuser() || IsLogicalWorker();
}

// What was dumped may be of another installation, whose keys have the same names.
void expect_same_key(const Value& ciphertext, const ColumnKey& key) {
  switch (is_of(key, ciphertext)) {
    case OfKey::yes:
      return;
    case OfKey::no:
      raise_foreign(key);
    case OfKey::unknown:
      return warn_not_compared(key);
  }
}

}  // namespace

bool is_accepted(const Value& ciphertext, const ColumnKey& key) {
  if (is_granted(key.tag, ciphertext.ciphertext.key.key)) return true;
  return is_trusted() && known_to_be_of(key, ciphertext) == OfKey::yes;
}

void expect_acceptable(const Value& ciphertext, const ColumnKey& key) {
  if (is_accepted(ciphertext, key)) return;
  if (is_trusted()) return expect_same_key(ciphertext, key);
  // The empty value, whose ciphertext nobody keeps: it says whether the role may encrypt, and which
  // key it is that has the name.
  ByteView nothing;
  Datum discarded;
  encrypt_values(key, ciphertext.type, {&nothing, 1}, &discarded);
  note_grant(read_value(discarded));
  if (!is_accepted(ciphertext, key)) raise_foreign(key);
}

void note_rewrapped(const Value& rewrapped) {
  note_grant(rewrapped);
}

}  // namespace nae::columns

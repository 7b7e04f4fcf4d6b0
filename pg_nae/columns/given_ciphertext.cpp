#include "pg_nae/columns/given_ciphertext.hpp"

#include "pg_nae/columns/crypt.hpp"
#include "pg_nae/pg/settings.hpp"

namespace nae::columns {
namespace {

// What the key server has granted in one statement; afterwards the policy may be another.
struct Grant {
  ContextTag tag;  // of key and context
  Oid role;
  TimestampTz statement;
};
constexpr std::size_t kMostGrants = 16;
Grant grants[kMostGrants];
std::size_t next_grant = 0;

bool is_granted(const ContextTag& tag) {
  for (const Grant& grant : grants)
    if (grant.statement == GetCurrentStatementStartTimestamp() && grant.role == GetUserId() &&
        grant.tag == tag)
      return true;
  return false;
}

void note_grant(const ContextTag& tag) {
  if (is_granted(tag)) return;
  grants[next_grant] = {tag, GetUserId(), GetCurrentStatementStartTimestamp()};
  next_grant = (next_grant + 1) % kMostGrants;
}

}  // namespace

bool is_accepted(const ColumnKey& key) {
  return pg::settings.accept_ciphertext || superuser() || IsLogicalWorker() || is_granted(key.tag);
}

void expect_acceptable(const Value& ciphertext, const ColumnKey& key) {
  if (is_accepted(key)) return;
  // The empty value, whose ciphertext nobody keeps.
  ByteView nothing;
  Datum discarded;
  encrypt_values(key, ciphertext.type, {&nothing, 1}, &discarded);
  note_grant(key.tag);
}

void note_rewrapped(const ContextTag& tag) {
  note_grant(tag);
}

}  // namespace nae::columns

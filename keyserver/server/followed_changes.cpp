#include "keyserver/server/followed_changes.hpp"

namespace nae::server {
namespace {

constexpr int kMostReads = 5;

}  // namespace

Result<void> FollowedChanges::read_rows() {
  NAE_TRY(parts_.ring.load());
  NAE_TRY(parts_.policy.reload());
  NAE_TRY(parts_.devices.reload());
  return parts_.admins.reload();
}

// And again where somebody changed it meanwhile: a row that is newer than the ledger was looks like
// one that a hand has changed.
Result<store::LedgerPoint> FollowedChanges::take_in() {
  for (int reads = 0; reads < kMostReads; ++reads) {
    NAE_ASSIGN(const store::LedgerPoint before, parts_.ledger.catch_up());
    const std::vector<keys::KeyPointer> keys = parts_.ring.list();
    const auto read = read_rows();
    forget_changed(keys);
    NAE_ASSIGN(const store::LedgerPoint after, parts_.ledger.catch_up());
    if (after != before) continue;
    NAE_TRY(read);
    // Last: what is decided from now on is decided by all of it.
    parts_.policy.bump_epoch();
    return after;
  }
  return fail(Code::server_unavailable, "the store changes faster than it can be read");
}

// The working keys of versions that may do less than before.
void FollowedChanges::forget_changed(const std::vector<keys::KeyPointer>& before) {
  for (const keys::KeyPointer& key : before) {
    const keys::KeyPointer now = parts_.ring.find(key->id);
    for (const keys::Version& version : key->versions) {
      const keys::Version* then = now ? now->version(version.number) : nullptr;
      if (!then || (then->state != version.state && then->state != keys::State::active))
        parts_.working_keys.forget(KeyVersionId{key->id, version.number});
    }
  }
}

}  // namespace nae::server

#include "keyserver/server/followed_changes.hpp"

namespace nae::server {
namespace {

constexpr int kMostReads = 5;
// More changes at once than this: rows are read without a look at which they are of.
constexpr std::size_t kMostChanges = 256;

}  // namespace

// By the change feed: a device that was enrolled is no reason to read, and check, every key.
Result<void> FollowedChanges::find_touched(const store::LedgerPoint& head) {
  if (head == seen_) return {};
  if (seen_.epoch == 0) {  // all is to be read: the first changes say nothing that matters
    seen_ = head;
    return {};
  }
  NAE_ASSIGN(const std::vector<store::Change> changes,
             parts_.ledger.changes_after(seen_.epoch, kMostChanges));
  if (changes.empty() || changes.front().previous != seen_.hash ||
      changes.back().epoch < head.epoch)
    touched_ = {};
  for (const store::Change& change : changes)
    for (const store::Item& item : change.items) touched_.add(item.noun);
  seen_ = head;
  return {};
}

void FollowedChanges::Touched::add(store::Noun noun) {
  switch (noun) {
    case store::Noun::key:
    case store::Noun::version:
    case store::Noun::certificate:
      keys = true;
      return;
    case store::Noun::policy:
      policy = true;
      return;
    case store::Noun::device:
      devices = true;
      return;
    case store::Noun::admin:
      admins = true;
      return;
    // Read from the store by whoever asks for one.
    case store::Noun::fact:
    case store::Noun::approval:
      return;
  }
}

Result<void> FollowedChanges::read_rows() {
  if (touched_.keys) {
    const std::vector<keys::KeyPointer> before = parts_.ring.list();
    const auto loaded = parts_.ring.load();
    forget_changed(before);
    NAE_TRY(loaded);
  }
  if (touched_.policy) NAE_TRY(parts_.policy.reload());
  if (touched_.devices) NAE_TRY(parts_.devices.reload());
  if (touched_.admins) NAE_TRY(parts_.admins.reload());
  return {};
}

// And again where somebody changed it meanwhile: a row that is newer than the ledger was looks like
// one that a hand has changed.
Result<store::LedgerPoint> FollowedChanges::take_in() {
  for (int reads = 0; reads < kMostReads; ++reads) {
    NAE_ASSIGN(const store::LedgerPoint before, parts_.ledger.catch_up());
    NAE_TRY(find_touched(before));
    const auto read = read_rows();
    NAE_ASSIGN(const store::LedgerPoint after, parts_.ledger.catch_up());
    if (after != before) continue;
    NAE_TRY(read);
    touched_ = {.keys = false, .policy = false, .devices = false, .admins = false};
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

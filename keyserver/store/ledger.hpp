// Ledger: the port through which a store's history is begun, taken up, compared and read. Every
// other port's call that writes a row with authority is one change of it, in the same transaction.
// docs/spec/ledger.md.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "keyserver/store/change.hpp"
#include "libnae/crypto/hmac.hpp"

namespace nae::store {

// What changes and snapshots are authenticated with.
class LedgerKey {
 public:
  explicit LedgerKey(const crypto::SecretBytes& key) : hmac_(key) {}
  LedgerHash mac(ByteView bytes) const {
    LedgerHash mac;
    hmac_.compute(bytes, mac);
    return mac;
  }
  bool verify(ByteView bytes, ByteView mac) const { return hmac_.verify(bytes, mac); }

 private:
  crypto::HmacSha256 hmac_;
};

struct LedgerSettings {
  std::shared_ptr<const LedgerKey> key;
  std::string node;                      // the name of this key server in its changes
  std::function<std::int64_t()> now_us;  // Unix time; empty: the system's clock
};

struct LedgerReport {
  std::uint64_t changes = 0;         // that were read and verified
  std::size_t rows = 0;              // that were compared
  std::uint64_t snapshot_epoch = 0;  // 0: there is none
  LedgerPoint head;
};

// Failures of every call: Code::store_unavailable, Code::store_corrupt. Thread-safe.
class Ledger {
 public:
  virtual ~Ledger() = default;

  // Whether the store has a ledger, whoever may read it.
  virtual Result<bool> has_ledger() = 0;
  // Makes the rows as they stand the first changes of a ledger, all or none; one that an earlier
  // call has left unfinished goes. From then on every write is a change.
  virtual Result<LedgerReport> begin_ledger(LedgerSettings settings) = 0;
  // Takes the ledger up: reads it from its newest snapshot on and compares every row. Until then a
  // store with a ledger takes no writes. Code::store_corrupt, with the change or row named, for
  // what is forged, dropped, swapped or replayed.
  virtual Result<LedgerReport> open_ledger(LedgerSettings settings) = 0;
  // The same from the first change on, whatever snapshots say. Changes nothing.
  virtual Result<LedgerReport> verify_ledger() = 0;
  // Of a ledger that is open; epoch 0 of a store that has none.
  virtual LedgerPoint ledger_head() = 0;
  // Takes up what others have written since, for who only reads; answers the head.
  virtual Result<LedgerPoint> catch_up() = 0;
  // The hash of a change; nothing when there is none of this number.
  virtual Result<std::optional<LedgerHash>> change_hash(std::uint64_t epoch) = 0;
  // The change feed: at most `most` of those after `epoch`, ascending, each verified.
  virtual Result<std::vector<Change>> changes_after(std::uint64_t epoch, std::size_t most) = 0;
  // One change without rows, which says that somebody accepted what the audit log contradicts.
  virtual Result<void> note_rollback_accepted() = 0;
};

}  // namespace nae::store

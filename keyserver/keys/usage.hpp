// How often each key version has been used: counted by connection threads once a request, carried
// to the store every few seconds. docs/spec/keys.md, "Usage".
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "libnae/base/key_id.hpp"

namespace nae::keys {

// Uses that the store has set aside at least: after a crash a version counts as having served all
// that were set aside, so its count may be too high by that much and is never too low.
inline constexpr std::int64_t kLeastReservedUses = 16'384;

// Salts that every version is taken to have drawn unseen when a server was cut off: one draws a few
// an hour, and they are written down within a second of the first use.
inline constexpr std::int64_t kSaltsLostInCrash = 64;

// A version's counts as the store keeps them. Times are Unix time, 0: never.
struct UsageCount {
  KeyVersionId id = {};
  std::int64_t uses = 0;           // values that were encrypted, signed or authenticated
  std::int64_t reserved_uses = 0;  // at least `uses`
  std::int64_t reads = 0;          // values that were decrypted or verified
  std::int64_t last_use_at_us = 0;
  std::int64_t last_read_at_us = 0;
  std::int64_t salts = 0;  // that values were encrypted under, drawn at random
};

// The counters of one version: shared by the copies of its key.
class VersionUsage {
 public:
  explicit VersionUsage(const UsageCount& from);
  UsageCount now() const;
  // Written down with the uses that follow it.
  void add_salt() { salts_.fetch_add(1); }

 private:
  friend class UsageBook;
  const KeyVersionId id_;
  std::atomic<std::int64_t> uses_, reads_, last_use_at_us_, last_read_at_us_, salts_;
  std::atomic<std::int64_t> reserve_at_;  // when so many are used the store must set aside more
  std::atomic<bool> changed_{false};      // it stands in the book's list
  std::int64_t reserved_uses_;            // the book's
  std::int64_t written_uses_;             // the book's
};
using VersionUsagePointer = std::shared_ptr<VersionUsage>;

// Which versions were used since they were last written down.
class UsageBook {
 public:
  // `is_kept`: false of who never writes it down. Versions are counted, and not remembered.
  explicit UsageBook(bool is_kept = true) : is_kept_(is_kept) {}

  // Called, from a connection's thread, when a reservation is half used up. Set it before the
  // first request.
  std::function<void()> running_low = [] {};

  void add_uses(const VersionUsagePointer& usage, std::uint64_t items, std::int64_t now_us);
  void add_reads(const VersionUsagePointer& usage, std::uint64_t items, std::int64_t now_us);

  // The counts that changed, with new reservations where they run out: as many as were used since
  // the last time, twice over. written() makes them valid; a failed write puts them back.
  std::vector<UsageCount> take_changed();
  void written(const std::vector<UsageCount>& counts, bool successful);

 private:
  void note(const VersionUsagePointer& usage);
  const bool is_kept_;
  std::mutex lock_;
  std::vector<VersionUsagePointer> changed_;
  std::vector<VersionUsagePointer> being_written_;
};

}  // namespace nae::keys

// The policy in force, shared by every connection thread, and the epoch that tells them when a
// cached decision is stale.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>

#include "keyserver/policy/document.hpp"
#include "keyserver/policy/repository.hpp"
#include "libnae/crypto/hash.hpp"

namespace nae::policy {

struct Snapshot {
  std::shared_ptr<const Document> document;  // never null
  std::uint32_t number = 0;                  // revision; 0 when no policy was ever applied
  std::uint64_t epoch = 0;
  crypto::Sha256Digest text_sha256{};  // of the text as it was applied; zeros: none was
};

// Code::conflict when `base` is named and is not the revision `in_force`.
Result<void> check_revision(std::optional<std::uint32_t> base, std::uint32_t in_force);

// Reading pattern of a connection thread:
//   if (book.epoch() != cached->epoch) { cached = book.snapshot(); drop cached decisions; }
class PolicyBook {
 public:
  // Loads the newest revision. Code::store_corrupt when the stored text does not parse: the
  // parser checked it on the way in.
  static Result<std::unique_ptr<PolicyBook>> open(Repository& repository);

  PolicyBook(const PolicyBook&) = delete;
  PolicyBook& operator=(const PolicyBook&) = delete;

  // One atomic load.
  std::uint64_t epoch() const { return epoch_.load(std::memory_order_acquire); }
  // Its epoch is at least the one that epoch() answered before.
  std::shared_ptr<const Snapshot> snapshot() const;

  // Checks, stores and puts in force, in this order; a failure changes nothing. Answers what is
  // in force now. Every epoch() after the return shows the new one.
  // `base`: the revision that must be in force until then, else Code::conflict; 0: none was
  // applied.
  Result<std::shared_ptr<const Snapshot>> apply(std::string_view text, std::string_view author,
                                                std::string_view comment, std::int64_t now_us,
                                                std::optional<std::uint32_t> base = std::nullopt);

  // Puts in force what another key server has applied since. Codes as open().
  Result<void> reload();

  // For changes outside the document that void cached decisions: a key or device changed state.
  // Answers the new epoch.
  std::uint64_t bump_epoch();

 private:
  PolicyBook(Repository& repository, std::shared_ptr<const Snapshot> first);
  struct Latest {
    std::shared_ptr<const Document> document;
    std::uint32_t number = 0;
    crypto::Sha256Digest text_sha256{};
  };
  static Result<Latest> read_latest(Repository& repository);
  void put_in_force(std::shared_ptr<const Document> document, std::uint32_t number,
                    const crypto::Sha256Digest& text_sha256);

  Repository& repository_;
  std::mutex apply_mutex_;  // one apply at a time, held over the repository's transaction
  mutable std::mutex mutex_;
  std::shared_ptr<const Snapshot> current_;  // guarded by mutex_
  std::atomic<std::uint64_t> epoch_;
};

}  // namespace nae::policy

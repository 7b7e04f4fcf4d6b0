// Changes: what the ledger of a store is made of. Each names the rows it wrote and follows the hash
// of the one before it; rows that carry authority are the fold of all changes. Bytes in, bytes out,
// the same for every store engine. docs/spec/ledger.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"
#include "libnae/crypto/hash.hpp"

namespace nae::store {

using LedgerHash = crypto::Sha256Digest;

// A change, by its number and its hash: epochs with the same number in two histories differ.
struct LedgerPoint {
  std::uint64_t epoch = 0;  // 0: no change yet
  LedgerHash hash{};        // 32 zero bytes then
  friend bool operator==(const LedgerPoint&, const LedgerPoint&) = default;
};

// Numbers stand in the ledger and are never used twice.
enum class ChangeKind : std::uint8_t {
  adopted = 1,  // rows from before there was a ledger, believed once
  fact_set = 2,
  key_created = 3,
  version_created = 4,
  version_state = 5,
  version_schedule = 6,
  versions_bound = 7,
  key_attributes = 8,
  policy_applied = 9,
  policies_pruned = 10,
  device_enrolled = 11,
  device_key_added = 12,
  device_key_confirmed = 13,
  device_removed = 14,
  admin_added = 15,
  admin_certificate = 16,
  admin_roles = 17,
  admin_removed = 18,
  approval_requested = 19,
  approval_decided = 20,
  approval_finished = 21,
  approvals_expired = 22,
  approvals_interrupted = 23,
  rollback_accepted = 24,
  key_certificate = 25,
  node_fenced = 26,
  node_allowed = 27,
  node_removed = 28,
};
inline constexpr ChangeKind kNewestChangeKind = ChangeKind::node_removed;
std::string_view name(ChangeKind kind);  // "policy-applied"

// What a row is about. Numbers stand in the ledger.
enum class Noun : std::uint8_t {
  fact = 1,
  key = 2,
  version = 3,
  policy = 4,
  device = 5,
  admin = 6,
  approval = 7,
  certificate = 8,  // of a key's version
};
inline constexpr Noun kNewestNoun = Noun::certificate;
inline constexpr Noun kNouns[] = {Noun::fact,   Noun::key,   Noun::version,  Noun::policy,
                                  Noun::device, Noun::admin, Noun::approval, Noun::certificate};

// One row, as a change leaves it.
struct Item {
  Noun noun{};
  Bytes identity;
  std::optional<Bytes> content;  // ledger_item.hpp; nothing: the row is gone
};

// For people: "version 2 of key 0102030405ff", "administrator alice".
std::string text_of(Noun noun, ByteView identity);

struct Change {
  std::uint64_t epoch = 0;  // from 1, without gaps
  ChangeKind kind{};
  std::int64_t time_us = 0;  // Unix time
  std::string node;          // the key server that made it
  std::string admin;         // who had it made; empty: the key server by itself
  LedgerHash previous{};     // hash of the change before it
  std::vector<Item> items;
};

inline constexpr std::size_t kMaxItems = 1'000;  // of one change
inline constexpr std::size_t kMaxIdentityBytes = 1'024;
inline constexpr std::size_t kMaxContentBytes = 1u << 20;

// Canonical: a change has one encoding, and every encoding that parse_change() takes is it.
Bytes encode(const Change& change);
Result<Change> parse_change(ByteView bytes);  // Code::store_corrupt

LedgerHash hash_of(ByteView encoded_change);

}  // namespace nae::store

// Where policy revisions are kept. keyserver/store/ implements it; every call is one durable
// transaction.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "keyserver/policy/limit.hpp"
#include "libnae/base/result.hpp"

namespace nae::policy {

struct Revision {
  std::uint32_t number = 0;  // from 1, given by the repository
  std::string text;          // the document as it was applied, byte for byte
  std::string author;        // admin name
  std::string comment;
  std::int64_t created_at_us = 0;  // Unix time
  // Of a revision that was pruned, whose `text` is gone: when, and the text's SHA-256 in lower-case
  // hexadecimal. 0 and empty otherwise.
  std::int64_t pruned_at_us = 0;
  std::string text_sha256 = {};
};

class Repository {
 public:
  virtual ~Repository() = default;

  // Nothing when no policy was ever applied.
  virtual Result<std::optional<Revision>> latest() = 0;
  // Stores a new revision (its `number` is ignored) and answers the number it got.
  virtual Result<std::uint32_t> insert(const Revision& revision) = 0;
  // Ascending by number.
  virtual Result<std::vector<Revision>> history() = 0;
};

// Forgets the texts of old policies.
class PolicyPruner {
 public:
  virtual ~PolicyPruner() = default;

  // Revisions whose place another one took before `before_us` (Unix time), without the one in force
  // and those that requests for approval which wait were made against. prune_policies() takes their
  // texts away for good and keeps all else, with the text's digest; all or none.
  virtual Result<std::vector<Revision>> prunable_policies(std::int64_t before_us) = 0;
  virtual Result<std::vector<Revision>> prune_policies(std::int64_t before_us,
                                                       std::int64_t now_us) = 0;
};

// Where the counts of long limits are kept.
class LimitRepository {
 public:
  virtual ~LimitRepository() = default;

  virtual Result<std::vector<LimitCount>> load_limits() = 0;
  // Puts `counts` in the place of those of the same names and drops what has expired by `now_us`.
  virtual Result<void> save_limits(std::span<const LimitCount> counts, std::int64_t now_us) = 0;
};

}  // namespace nae::policy

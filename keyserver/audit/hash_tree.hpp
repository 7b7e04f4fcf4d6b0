// The hash tree over the records of one segment (RFC 9162 section 2.1). Its root stands in the
// signed head, so that a receipt proves one record with a few hashes and shows no other record.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "keyserver/audit/chain.hpp"

namespace nae::audit {

// Grows by one record at a time; keeps the roots of its perfect subtrees alone.
class HashTree {
 public:
  void add(const Hash& record_hash);
  std::uint64_t size() const { return size_; }
  Hash root() const;  // of an empty tree: zeros, which no head signs

 private:
  std::vector<Hash> peaks_;  // largest first, one for each bit of size_
  std::uint64_t size_ = 0;
};

// The siblings on the way from record `index` up to the root, lowest first.
std::vector<Hash> path_to_root(std::span<const Hash> record_hashes, std::size_t index);

// The root that `path` leads to from record `index` of `size`. Nothing when the path does not have
// the length that belongs to that place.
std::optional<Hash> root_of_path(const Hash& record_hash, std::uint64_t index, std::uint64_t size,
                                 std::span<const Hash> path);

}  // namespace nae::audit

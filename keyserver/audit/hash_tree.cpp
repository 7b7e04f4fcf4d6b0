#include "keyserver/audit/hash_tree.hpp"

#include <algorithm>
#include <bit>

#include "libnae/crypto/hash.hpp"

namespace nae::audit {
namespace {

// Leaves and nodes are hashed with different first bytes, so that no node can pass for a leaf.
Hash leaf(const Hash& record_hash) {
  constexpr std::array<Byte, 1> kLeaf{0};
  return crypto::sha256(kLeaf, record_hash);
}

Hash node(const Hash& left, const Hash& right) {
  std::array<Byte, 1 + 2 * kHashBytes> bytes{1};
  std::ranges::copy(left, bytes.begin() + 1);
  std::ranges::copy(right, bytes.begin() + 1 + kHashBytes);
  return crypto::sha256(bytes);
}

Hash root_of(std::span<const Hash> record_hashes) {
  HashTree tree;
  for (const Hash& hash : record_hashes) tree.add(hash);
  return tree.root();
}

}  // namespace

void HashTree::add(const Hash& record_hash) {
  Hash peak = leaf(record_hash);
  for (std::uint64_t bits = size_++; bits & 1; bits >>= 1) {
    peak = node(peaks_.back(), peak);
    peaks_.pop_back();
  }
  peaks_.push_back(peak);
}

Hash HashTree::root() const {
  if (peaks_.empty()) return Hash{};
  Hash root = peaks_.back();
  for (auto peak = peaks_.rbegin() + 1; peak != peaks_.rend(); ++peak) root = node(*peak, root);
  return root;
}

std::vector<Hash> path_to_root(std::span<const Hash> record_hashes, std::size_t index) {
  std::vector<Hash> path;
  while (record_hashes.size() > 1) {
    std::size_t left = std::bit_floor(record_hashes.size() - 1);
    bool in_left = index < left;
    path.push_back(root_of(in_left ? record_hashes.subspan(left) : record_hashes.first(left)));
    record_hashes = in_left ? record_hashes.first(left) : record_hashes.subspan(left);
    if (!in_left) index -= left;
  }
  std::ranges::reverse(path);
  return path;
}

// RFC 9162 section 2.1.3.2.
std::optional<Hash> root_of_path(const Hash& record_hash, std::uint64_t index, std::uint64_t size,
                                 std::span<const Hash> path) {
  if (index >= size) return std::nullopt;
  std::uint64_t last = size - 1;
  Hash root = leaf(record_hash);
  for (const Hash& sibling : path) {
    if (last == 0) return std::nullopt;
    if ((index & 1) || index == last) {
      root = node(sibling, root);
      for (; !(index & 1) && index != 0; index >>= 1) last >>= 1;
    } else {
      root = node(root, sibling);
    }
    index >>= 1;
    last >>= 1;
  }
  if (last != 0) return std::nullopt;
  return root;
}

}  // namespace nae::audit

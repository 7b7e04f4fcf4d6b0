#include "keyserver/audit/hash_tree.hpp"

#include <gtest/gtest.h>

#include "libnae/base/text.hpp"
#include "libnae/crypto/hash.hpp"

namespace nae::audit {
namespace {

std::vector<Hash> hashes(std::size_t count) {
  std::vector<Hash> made(count);
  for (std::size_t i = 0; i < count; ++i) made[i].fill(static_cast<Byte>(i + 1));
  return made;
}

Hash root_of(const std::vector<Hash>& records) {
  HashTree tree;
  for (const Hash& record : records) tree.add(record);
  EXPECT_EQ(tree.size(), records.size());
  return tree.root();
}

// Made with Python's hashlib by the recursive definition of RFC 9162 section 2.1.1.
TEST(HashTreeTest, RootsAreThoseOfTheStandard) {
  EXPECT_EQ(to_hex(root_of(hashes(1))),
            "dcffe786ded16d283c663846ad0c4ff26558fccde36ca9d30b2ea19eade9fc0e");
  EXPECT_EQ(to_hex(root_of(hashes(2))),
            "3a066e0f40c6a1981ebfa60d2411625d0517ae22c2fc8c7c1784ff8a75c78565");
  EXPECT_EQ(to_hex(root_of(hashes(7))),
            "a01b0568e97f4a883e53549ff9e936845853334158de367ad483d981b3142f4a");
  EXPECT_EQ(to_hex(root_of(hashes(200))),
            "37a7cd1e57f90a6be159ee27e1dd248ea36ec808a109f1a94569e414f3b6db8a");
}

TEST(HashTreeTest, EveryRecordOfEverySizeHasItsPath) {
  for (std::size_t size = 1; size <= 70; ++size) {
    auto records = hashes(size);
    Hash root = root_of(records);
    for (std::size_t i = 0; i < size; ++i) {
      auto path = path_to_root(records, i);
      EXPECT_EQ(root_of_path(records[i], i, size, path), root) << i << " of " << size;
      EXPECT_LE(path.size(), 7u);
    }
  }
}

TEST(HashTreeTest, NothingElseLeadsToTheRoot) {
  for (std::size_t size : {1u, 2u, 5u, 8u, 13u}) {
    auto records = hashes(size);
    Hash root = root_of(records);
    for (std::size_t i = 0; i < size; ++i) {
      const auto path = path_to_root(records, i);
      Hash other = records[i];
      other[7] ^= 1;
      EXPECT_NE(root_of_path(other, i, size, path), root);
      for (std::size_t place = 0; place < size + 2; ++place) {
        if (place == i) continue;
        EXPECT_NE(root_of_path(records[i], place, size, path), root) << place;
      }
      auto longer = path;
      longer.push_back(root);
      EXPECT_FALSE(root_of_path(records[i], i, size, longer));
      for (std::size_t at = 0; at < path.size(); ++at) {
        auto changed = path;
        changed[at][31] ^= 0x80;
        EXPECT_NE(root_of_path(records[i], i, size, changed), root);
      }
      if (path.empty()) continue;
      auto shorter = path;
      shorter.pop_back();
      EXPECT_NE(root_of_path(records[i], i, size, shorter), root);
    }
  }
}

// A node's two hashes given as a record must not pass for the leaf that they are not.
TEST(HashTreeTest, ANodeIsNoLeaf) {
  auto records = hashes(2);
  Hash root = root_of(records);
  EXPECT_NE(root_of_path(root, 0, 1, {}), root);
}

}  // namespace
}  // namespace nae::audit

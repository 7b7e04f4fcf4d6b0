// Policy revisions: what of them goes when they are old, and what never does.
#include "keyserver/store/sqlite/test_store.hpp"
#include "libnae/base/text.hpp"
#include "libnae/crypto/hash.hpp"

namespace nae::store::sqlite {
namespace {

// Of all releases: their revisions are there, and old ones can be pruned.
TEST_F(StoreTest, PoliciesOfEveryOlderSchemaCanBePruned) {
  for (std::int64_t schema = 1; schema < newest_schema(); ++schema) {
    fs::remove(path_);
    create_of_schema(schema);
    tamper(
        "INSERT INTO policies (number, text, author, comment, created_at_us)"
        " VALUES (1, 'first', 'alice', 'why', 10), (2, 'second', 'bob', '', 20)");
    auto store = reopen();
    ASSERT_TRUE(store) << schema;
    EXPECT_EQ(store->history()->at(0).text, "first") << schema;
    EXPECT_EQ(store->history()->at(0).pruned_at_us, 0) << schema;
    ASSERT_EQ(store->prune_policies(21, 30)->size(), 1u) << schema;
    const policy::Revision first = store->history()->at(0);
    EXPECT_EQ(first.text, "");
    EXPECT_EQ(first.author, "alice");
    EXPECT_EQ(first.comment, "why");
    EXPECT_EQ(first.created_at_us, 10);
    EXPECT_EQ(first.pruned_at_us, 30);
    EXPECT_EQ(first.text_sha256, to_hex(crypto::sha256(as_bytes("first"))));
    EXPECT_EQ((*store->latest())->text, "second") << schema;
  }
}

}  // namespace
}  // namespace nae::store::sqlite

#include "keyserver/store/sqlite/test_store.hpp"

namespace nae::store::sqlite {
namespace {

TEST_F(StoreTest, DestroyedMaterialIsGoneFromEveryFile) {
  auto store = create();
  keys::Key key = make_key("k");
  keys::Version version = make_version(1);
  version.material = {bytes_of("CANARY-wrapped"), "CANARY-token", bytes_of("CANARY-pub")};
  key.versions.replace(0, version);
  ASSERT_TRUE(store->insert_key(key));
  ASSERT_TRUE(files_contain("CANARY"));
  ASSERT_TRUE(store->set_state({key.id, 1}, keys::State::destroyed, 9, {}));
  EXPECT_FALSE(files_contain("CANARY"));
  auto keys = store->load_keys();
  ASSERT_EQ(keys->size(), 1u) << "the record of it stays";
  EXPECT_TRUE(keys->front().versions[0].material.wrapped.empty());
  EXPECT_TRUE(keys->front().versions[0].material.token_object.empty());
  EXPECT_TRUE(keys->front().versions[0].material.public_key.empty());
}

// One for each schema that a server has written.
TEST_F(StoreTest, AFileOfAnOlderServerIsReadAsItWas) {
  for (std::int64_t schema = 1; schema < newest_schema(); ++schema) {
    fs::remove(path_);
    create_of_schema(schema);
    auto store = reopen();
    ASSERT_TRUE(store) << schema;
    auto keys = store->load_keys();
    ASSERT_TRUE(keys) << schema << keys.error().message;
    ASSERT_EQ(keys->size(), 2u);
    const keys::Key& old = keys->front();
    EXPECT_EQ(old.name, "old");
    EXPECT_EQ(old.attributes.owner, "crm");
    EXPECT_EQ(old.versions[0].state, keys::State::destroyed);
    EXPECT_EQ(old.versions[1].material.wrapped, bytes_of("wapped2"));
    EXPECT_EQ(old.origin(), keys::Origin::unknown);
    EXPECT_TRUE(old.versions[1].binding.signature.empty());
    EXPECT_EQ(keys->back().versions[0].material.public_key, bytes_of("pub"));
    EXPECT_EQ(*store->meta("server_id"), "one");
    ASSERT_TRUE(store->bind_versions(
        {{{old.id, 2}, {keys::Origin::unknown, Bytes(32, 1), bytes_of("s")}, 77}}));
    EXPECT_EQ(store->bind_versions({{{old.id, 9}, {}, 0}}).error().code, Code::not_found);
    const keys::Version bound = store->load_keys()->front().versions[1];
    EXPECT_EQ(bound.binding.signature, bytes_of("s"));
    EXPECT_EQ(bound.state, keys::State::retired);
    EXPECT_EQ(bound.changed_at_us, 77);
  }
}

}  // namespace
}  // namespace nae::store::sqlite

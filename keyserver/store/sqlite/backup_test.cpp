#include "keyserver/store/sqlite/backup.hpp"

#include <sys/stat.h>

#include "keyserver/store/sqlite/test_store.hpp"

namespace nae::store::sqlite {
namespace {

class BackupTest : public StoreTest {
 protected:
  fs::path copy() const { return directory_ / "copy.db"; }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(directory_), {}));
  }
};

TEST_F(BackupTest, OfAStoreThatIsOpenHoldsAllThatWasCommitted) {
  auto store = create();
  ASSERT_TRUE(store->insert_key(make_key("one")));
  keys::Key two = make_key("two", 2);
  ASSERT_TRUE(store->insert_key(two));
  ASSERT_TRUE(store->insert_version(two.id, make_version(2)));
  auto done = back_up(path_, copy());
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(done->keys, 2u);
  EXPECT_EQ(done->versions, 3u);
  ASSERT_TRUE(store->insert_key(make_key("later", 3))) << "the server goes on";
  EXPECT_EQ(store->load_keys()->size(), 3u);

  struct stat status {};
  ASSERT_EQ(::stat(copy().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0600u);
  for (const char* suffix : {"-wal", "-shm", "-journal", ".new"})
    EXPECT_FALSE(fs::exists(copy().string() + suffix)) << suffix;
  auto restored = Store::open(copy());
  ASSERT_TRUE(restored);
  EXPECT_EQ((*restored)->load_keys()->size(), 2u);
}

TEST_F(BackupTest, OverwritesNothing) {
  auto store = create();
  std::ofstream(copy()) << "precious";
  EXPECT_EQ(back_up(path_, copy()).error().code, Code::file_failed);
  std::string kept;
  std::ifstream(copy()) >> kept;
  EXPECT_EQ(kept, "precious");
  fs::remove(copy());
  fs::create_symlink("nowhere", copy());
  EXPECT_EQ(back_up(path_, copy()).error().code, Code::file_failed) << "a link that leads nowhere";
  EXPECT_EQ(back_up(path_, path_).error().code, Code::file_failed) << "nor the store itself";
}

TEST_F(BackupTest, LeavesNothingWhenItFails) {
  EXPECT_EQ(back_up(path_, copy()).error().code, Code::not_initialised);
  std::ofstream(path_) << std::string(8192, 'x');
  EXPECT_EQ(back_up(path_, copy()).error().code, Code::store_corrupt);
  fs::remove(path_);
  { auto store = create(); }
  EXPECT_EQ(back_up(path_, directory_ / "none/copy.db").error().code, Code::file_failed);
  EXPECT_EQ(files(), 1u);
}

TEST_F(BackupTest, OfADamagedKeyIsNone) {
  {
    auto store = create();
    ASSERT_TRUE(store->insert_key(make_key("one")));
  }
  tamper("PRAGMA ignore_check_constraints = ON; UPDATE keys SET type = 99");
  EXPECT_FALSE(back_up(path_, copy()));
  EXPECT_FALSE(fs::exists(copy()));
}

}  // namespace
}  // namespace nae::store::sqlite

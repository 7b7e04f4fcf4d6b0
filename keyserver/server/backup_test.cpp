// A backup that another program can check, and none that looks like one.
#include "keyserver/server/backup.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <cstdlib>

#include "keyserver/server/hsm_options.hpp"
#include "keyserver/server/test_installation.hpp"
#include "keyserver/setup/take_up_ledger.hpp"
#include "keyserver/store/sqlite/test_store.hpp"

namespace nae::server {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

[[maybe_unused]] const auto* const kHeap = crypto::take_secure_heap_for_tests();

class BackupTest : public InstallationTest {
 protected:
  fs::path file() const { return directory_ / "server/nae-keyserver.toml"; }
  Result<Backup> back_up_to(const fs::path& out) const { return back_up(file(), config_, out); }
  Code refusal(const fs::path& out) const {
    auto done = back_up_to(out);
    EXPECT_FALSE(done);
    return done ? Code::internal : done.error().code;
  }
  // Everything in the directory of backups.
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(backups_), {}));
  }
  void SetUp() override {
    fs::create_directory(backups_);
    ASSERT_TRUE(fs::exists(file()));
  }
  const fs::path backups_ = directory_ / "backups";
};

TEST_F(BackupTest, HoldsWhatAnotherProgramCanCheck) {
  {
    setup::use_softhsm_configuration(config_.hsm.softhsm_configuration);
    auto hsm = hsm::Pkcs11Hsm::open(hsm_options(config_)).value();
    auto store = store::sqlite::Store::open(config_.store.path).value();
    ASSERT_TRUE(setup::take_up_ledger(*store, *hsm));
    ASSERT_TRUE(store->insert_key(store::sqlite::make_key("one")));
  }
  auto done = back_up_to(backups_ / "monday.db");
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(done->keys, 1u);
  EXPECT_EQ(done->versions, 1u);
  EXPECT_EQ(done->manifest, backups_ / "monday.db.manifest");
  EXPECT_EQ(done->custody, backups_ / "monday.db.custody");
  EXPECT_EQ(read_file(done->custody, 1 << 20).value(),
            read_file(directory_ / "server/custody.nae", 1 << 20).value());
  EXPECT_EQ(files(), 3u);
  struct stat status {};
  ASSERT_EQ(::stat(done->manifest.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0600u);

  const std::string text = read_file(done->manifest, 1 << 20).value();
  for (const fs::path& listed : {backups_ / "monday.db", done->custody, file(),
                                 config_.tls.certificate, config_.tls.client_authority})
    EXPECT_THAT(text, HasSubstr("  " + listed.string() + "\n"));
  for (const fs::path& apart : {config_.hsm.pin_file, config_.tls.key, config_.audit.directory}) {
    EXPECT_THAT(text, HasSubstr(apart.string())) << "named, because a restore needs it";
    EXPECT_THAT(text, Not(HasSubstr("  " + apart.string() + "\n"))) << "and not copied";
  }
  const std::string check = "sha256sum --check --quiet --strict " + done->manifest.string();
  EXPECT_EQ(std::system(check.c_str()), 0);
  write(backups_ / "monday.db", "another");
  EXPECT_NE(std::system((check + " >/dev/null 2>&1").c_str()), 0);
}

TEST_F(BackupTest, ACustodyThatWouldRestoreNothingIsNoBackup) {
  const fs::path custody = directory_ / "server/custody.nae";
  std::string changed = read_file(custody, 1 << 20).value();
  changed[200] ^= 1;
  write(custody, changed);
  EXPECT_EQ(refusal(backups_ / "a.db"), Code::authentication_failed);
  write(custody, changed.substr(0, 300));
  EXPECT_EQ(refusal(backups_ / "a.db"), Code::invalid_argument);
  EXPECT_EQ(files(), 0u);
}

TEST_F(BackupTest, OfFormerCustodiansIsNone) {
  {
    setup::use_softhsm_configuration(config_.hsm.softhsm_configuration);
    auto hsm = hsm::Pkcs11Hsm::open(hsm_options(config_)).value();
    auto store = store::sqlite::Store::open(config_.store.path).value();
    ASSERT_TRUE(setup::take_up_ledger(*store, *hsm));
    ASSERT_TRUE(store->change_meta("custody", std::nullopt, "2 " + std::string(64, 'a')));
  }
  const auto done = back_up_to(backups_ / "a.db");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::conflict);
  EXPECT_THAT(done.error().message,
              HasSubstr("server/custody.nae is of generation 1, and the ledger of the store knows "
                        "that generation 2 is in force"));
  EXPECT_EQ(files(), 0u);
  fs::remove(directory_ / "server/custody.nae");
  EXPECT_TRUE(back_up_to(backups_ / "a.db")) << "of none there is nothing to say";
}

TEST_F(BackupTest, OfAGroupInNobodysCustodyHasNone) {
  fs::remove(directory_ / "server/custody.nae");
  const auto done = back_up_to(backups_ / "a.db");
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_TRUE(done->custody.empty());
  EXPECT_EQ(files(), 2u);
}

TEST_F(BackupTest, OverwritesNothing) {
  write(backups_ / "a.db", "precious");
  EXPECT_EQ(refusal(backups_ / "a.db"), Code::file_failed);
  EXPECT_EQ(read_file(backups_ / "a.db", 100).value(), "precious");
  EXPECT_EQ(files(), 1u) << "no manifest of it either";
  write(backups_ / "b.db.manifest", "precious");
  EXPECT_EQ(refusal(backups_ / "b.db"), Code::file_failed);
  EXPECT_EQ(read_file(backups_ / "b.db.manifest", 100).value(), "precious");
  fs::create_symlink("nowhere", backups_ / "c.db.manifest");
  EXPECT_EQ(refusal(backups_ / "c.db"), Code::file_failed) << "a link that leads nowhere";
  EXPECT_EQ(files(), 3u);
}

// Its name would be taken, and whoever finds it would take it for one.
TEST_F(BackupTest, LeavesNoHalfOfOne) {
  EXPECT_EQ(refusal(backups_ / "new\nline.db"), Code::file_failed);
  EXPECT_EQ(refusal(backups_ / "back\\slash.db"), Code::file_failed);
  EXPECT_EQ(refusal(directory_ / "none/a.db"), Code::file_failed);
  EXPECT_EQ(refusal(backups_ / std::string(250, 'x')), Code::file_failed)
      << "the manifest's name is longer than a name may be";
  const fs::path certificate = std::exchange(config_.tls.certificate, directory_ / "missing");
  EXPECT_EQ(refusal(backups_ / "a.db"), Code::file_failed);
  config_.tls.certificate = certificate;
  EXPECT_EQ(files(), 0u);
  EXPECT_TRUE(back_up_to(backups_ / "a.db")) << "the name is still free";
}

TEST_F(BackupTest, OfAStoreThatIsNotThereIsNone) {
  config_.store.path = directory_ / "missing.db";
  EXPECT_EQ(refusal(backups_ / "a.db"), Code::not_initialised);
  EXPECT_EQ(files(), 0u);
}

}  // namespace
}  // namespace nae::server

// Backups of a real store, sealed and opened by a real token; and disks and hands that spoil them.
#include "keyserver/server/backup_spool.hpp"

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <csignal>

#include "keyserver/hsm/pkcs11_hsm.hpp"
#include "keyserver/server/backup_reader.hpp"
#include "keyserver/server/hsm_options.hpp"
#include "keyserver/server/test_installation.hpp"
#include "libnae/base/text.hpp"
#include "libnae/crypto/hash.hpp"

namespace nae::server {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

[[maybe_unused]] const auto* const kHeap = crypto::take_secure_heap_for_tests();

class BackupSpoolTest : public InstallationTest {
 protected:
  BackupSpoolTest() {
    setup::use_softhsm_configuration(config_.hsm.softhsm_configuration);
    hsm_ = hsm::Pkcs11Hsm::open(hsm_options(config_)).value();
    custodians_ = std::make_shared<const custody::CustodySet>(
        custody::parse_custody_set(
            as_bytes(read_file(directory_ / "server/custody.nae", 1 << 16).value()))
            .value());
    start();
  }
  void start() {
    spool_.reset();
    spool_ = std::make_unique<BackupSpool>(
        config_, [this](const auto& job) { return job(*hsm_); }, custodians_, *gcm_,
        [this] { return now_us_; });
  }
  fs::path directory() const { return directory_ / "server/backups.unfetched"; }
  std::size_t files() const {
    return fs::exists(directory())
               ? static_cast<std::size_t>(std::distance(fs::directory_iterator(directory()), {}))
               : 0;
  }
  Bytes whole(const admin::MadeBackup& made) const {
    Bytes all;
    for (std::uint64_t number = 0; all.size() < made.bytes; ++number) {
      const auto part = spool_->part(made.id, "alice", number);
      if (!part) return {};
      all.insert(all.end(), part->begin(), part->end());
    }
    return all;
  }
  Code refusal() const {
    const auto made = spool_->make("alice");
    EXPECT_FALSE(made);
    return made ? Code{} : made.error().code;
  }

  std::int64_t now_us_ = 1'000'000;
  std::unique_ptr<hsm::Pkcs11Hsm> hsm_;
  std::shared_ptr<const custody::CustodySet> custodians_;
  const std::unique_ptr<const crypto::GcmProvider> gcm_ = crypto::fastest_gcm();
  std::unique_ptr<BackupSpool> spool_;
};

TEST_F(BackupSpoolTest, WhatIsFetchedIsOpenedByTheHsmAlone) {
  const auto made = spool_->make("alice");
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(files(), 1u) << "no copy in clear";
  struct stat status {};
  ASSERT_EQ(::stat((directory() / (made->id + ".nae")).c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0600u);
  const Bytes file = whole(*made);
  EXPECT_EQ(to_hex(crypto::sha256(file)), made->sha256);
  write(directory_ / "fetched.nae", as_text(file));
  auto reader = BackupReader::open(directory_ / "fetched.nae");
  ASSERT_TRUE(reader) << reader.error().message;
  Bytes content;
  ASSERT_TRUE(reader->each_block(*gcm_, backup_key(*hsm_, reader->header()).value(),
                                 [&](ByteView piece) -> Result<void> {
                                   content.insert(content.end(), piece.begin(), piece.end());
                                   return {};
                                 }));
  EXPECT_THAT(as_text(content), testing::StartsWith("SQLite format 3"));
  EXPECT_EQ(as_text(file).find("SQLite format 3"), std::string::npos) << "it is sealed";
}

TEST_F(BackupSpoolTest, IsForWhoAskedAndForAnHour) {
  const auto made = spool_->make("alice").value();
  EXPECT_EQ(spool_->part(made.id, "bob", 0).error().code, Code::not_found);
  EXPECT_EQ(spool_->forget(made.id, "bob").error().code, Code::not_found);
  EXPECT_EQ(spool_->part(made.id, "alice", 1u << 20).error().code, Code::invalid_argument);
  now_us_ += BackupSpool::kKeptUs - 1;
  EXPECT_TRUE(spool_->part(made.id, "alice", 0));
  now_us_ += 1;
  EXPECT_EQ(spool_->part(made.id, "alice", 0).error().code, Code::not_found);
  EXPECT_EQ(files(), 0u);
  const auto second = spool_->make("alice").value();
  EXPECT_TRUE(spool_->forget(second.id, "alice"));
  EXPECT_EQ(spool_->part(second.id, "alice", 0).error().code, Code::not_found);
  EXPECT_EQ(files(), 0u);
}

TEST_F(BackupSpoolTest, WhatNobodyFetchesGoesByItself) {
  ASSERT_TRUE(spool_->make("alice"));
  now_us_ += BackupSpool::kKeptUs - 1;
  spool_->expire();
  EXPECT_EQ(files(), 1u);
  now_us_ += 1;
  spool_->expire();
  EXPECT_EQ(files(), 0u);
}

TEST_F(BackupSpoolTest, WithoutRoomForItNothingIsBegun) {
  // A file that says it is as long takes no room: what the check counts is its length.
  const fs::path store = directory_ / "long.db";
  write(store, "");
  struct statvfs disk {};
  ASSERT_EQ(::statvfs(directory_.c_str(), &disk), 0);
  fs::resize_file(store, std::uint64_t{disk.f_bavail} * disk.f_frsize / 2);
  config_.store.path = store;
  start();
  const auto made = spool_->make("alice");
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Code::file_failed);
  EXPECT_THAT(made.error().message, HasSubstr("no room for a backup"));
  EXPECT_EQ(files(), 0u);
}

TEST_F(BackupSpoolTest, OnlySoManyAreKept) {
  for (std::size_t i = 0; i < BackupSpool::kMostKept; ++i) ASSERT_TRUE(spool_->make("alice"));
  EXPECT_EQ(refusal(), Code::overloaded);
  now_us_ += BackupSpool::kKeptUs;
  EXPECT_TRUE(spool_->make("alice"));
}

TEST_F(BackupSpoolTest, WhatAnotherRunLeftIsRemoved) {
  fs::create_directories(directory());
  write(directory() / "0123456789abcdef.db", "a copy in clear");
  start();
  EXPECT_EQ(files(), 0u);
}

TEST_F(BackupSpoolTest, AFullDiskLeavesNothing) {
  const auto whole_bytes = spool_->make("alice").value();
  ASSERT_TRUE(spool_->forget(whole_bytes.id, "alice"));
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  for (const std::uint64_t room :
       {std::uint64_t{1000}, whole_bytes.bytes / 2, whole_bytes.bytes - 1}) {
    const rlimit starved{room, before.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &starved);
    const auto made = spool_->make("alice");
    ::setrlimit(RLIMIT_FSIZE, &before);
    ASSERT_FALSE(made) << room;
    EXPECT_TRUE(made.error().code == Code::file_failed ||
                made.error().code == Code::store_unavailable)
        << made.error().message;
    EXPECT_EQ(files(), 0u) << room;
  }
  std::signal(SIGXFSZ, handler);
  EXPECT_TRUE(spool_->make("alice"));
}

TEST_F(BackupSpoolTest, AFailingHsmLeavesNothing) {
  int asked = 0, fails_at = 1;
  spool_ = std::make_unique<BackupSpool>(
      config_,
      [&](const auto& job) -> Result<BackupSpool::Keyed> {
        if (++asked == fails_at) return fail(Code::hsm_unavailable, "the token is away");
        return job(*hsm_);
      },
      custodians_, *gcm_, [this] { return now_us_; });
  EXPECT_EQ(refusal(), Code::hsm_unavailable) << "when it is sealed";
  EXPECT_EQ(files(), 0u);
  fails_at = 3;
  EXPECT_EQ(refusal(), Code::hsm_unavailable) << "when it is opened again";
  EXPECT_EQ(files(), 0u);
  EXPECT_TRUE(spool_->make("alice"));
}

TEST_F(BackupSpoolTest, AnotherGroupsTokenDoesNotOpenIt) {
  const auto made = spool_->make("alice").value();
  write(directory_ / "fetched.nae", as_text(whole(made)));
  hsm_.reset();
  setup::Choices choices;
  choices.directory = directory_ / "other";
  choices.port = 0;
  const auto other = setup::initialise(choices).value();
  const auto config = config::load(other.configuration).value();
  const auto hsm = hsm::Pkcs11Hsm::open(hsm_options(config)).value();
  const auto reader = BackupReader::open(directory_ / "fetched.nae").value();
  EXPECT_FALSE(backup_key(*hsm, reader.header()));
}

}  // namespace
}  // namespace nae::server

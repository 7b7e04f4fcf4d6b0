#include "keyserver/store/store.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <thread>

#include "keyserver/store/schema.hpp"

namespace nae::store {
namespace {

namespace fs = std::filesystem;

class StoreTest : public ::testing::Test {
 protected:
  StoreTest() {
    char name[] = "/tmp/nae-store-XXXXXX";
    directory_ = ::mkdtemp(name);
    path_ = directory_ / "store.db";
  }
  ~StoreTest() override { fs::remove_all(directory_); }

  std::unique_ptr<Store> create() {
    auto store = Store::create(path_);
    EXPECT_TRUE(store) << store.error().message;
    return std::move(*store);
  }
  std::unique_ptr<Store> reopen() {
    auto store = Store::open(path_);
    EXPECT_TRUE(store) << store.error().message;
    return store ? std::move(*store) : nullptr;
  }
  Code open_failure() {
    auto store = Store::open(path_);
    return store ? Code::internal : store.error().code;
  }
  // Runs SQL past the store, as a hand in the file would.
  void tamper(const char* sql) {
    auto database = Database::open(path_);
    ASSERT_TRUE(database);
    auto run = (*database)->run_script(sql);
    ASSERT_TRUE(run) << run.error().message;
  }
  bool files_contain(std::string_view text) {
    for (const auto& entry : fs::directory_iterator(directory_)) {
      std::ifstream in(entry.path(), std::ios::binary);
      std::string all((std::istreambuf_iterator<char>(in)), {});
      if (all.find(text) != std::string::npos) return true;
    }
    return false;
  }

  fs::path directory_;
  fs::path path_;
};

Bytes bytes_of(std::string_view text) {
  return Bytes(text.begin(), text.end());
}

keys::Version make_version(std::uint16_t number, std::string_view material = "wrapped-material") {
  return {number, keys::State::active, 1'700'000'000'000'000, {bytes_of(material), "", {}}};
}

keys::Key make_key(std::string name, Byte id = 1) {
  return {{{id, 2, 3, 4, 5, 6}},
          std::move(name),
          KeyType::aes_256_gcm,
          1'700'000'000'000'000,
          {make_version(1)}};
}

// --- refusals at the door

TEST_F(StoreTest, ASecondCreateIsRefusedAndHarmsNothing) {
  ASSERT_TRUE(create()->insert_key(make_key("kept")));
  auto again = Store::create(path_);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Code::already_initialised);
  EXPECT_EQ(reopen()->load_keys()->size(), 1u);
}

TEST_F(StoreTest, CreateDoesNotFollowADanglingLink) {
  fs::create_symlink(directory_ / "elsewhere", path_);
  auto store = Store::create(path_);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, Code::already_initialised);
  EXPECT_FALSE(fs::exists(directory_ / "elsewhere"));
}

TEST_F(StoreTest, CreateWithoutItsDirectoryFails) {
  auto store = Store::create(directory_ / "missing" / "store.db");
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, Code::store_unavailable);
}

TEST_F(StoreTest, OpenWithoutAStoreFails) {
  EXPECT_EQ(open_failure(), Code::not_initialised);
}

TEST_F(StoreTest, RemainsOfAnInterruptedCreateAreReplaced) {
  std::ofstream(path_.string() + ".new") << "half a store";
  create();
  EXPECT_FALSE(fs::exists(path_.string() + ".new"));
  EXPECT_TRUE(reopen());
}

TEST_F(StoreTest, OnlyTheOwnerMayReadIt) {
  auto store = create();
  ASSERT_TRUE(store->insert_key(make_key("k")));
  for (const auto& entry : fs::directory_iterator(directory_)) {
    struct stat info {};
    ASSERT_EQ(::stat(entry.path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u) << entry.path();
  }
}

TEST_F(StoreTest, AFileThatIsNoDatabaseIsCorrupt) {
  std::ofstream(path_) << std::string(8192, 'x');
  EXPECT_EQ(open_failure(), Code::store_corrupt);
}

TEST_F(StoreTest, AnEmptyFileIsCorrupt) {
  std::ofstream{path_};
  EXPECT_EQ(open_failure(), Code::store_corrupt);
}

TEST_F(StoreTest, AForeignDatabaseIsCorrupt) {
  create();
  tamper("PRAGMA application_id = 7");
  EXPECT_EQ(open_failure(), Code::store_corrupt);
}

TEST_F(StoreTest, ADamagedPageIsFoundAtOpen) {
  {
    auto store = create();
    for (Byte i = 0; i < 200; ++i)
      ASSERT_TRUE(store->insert_key(make_key("key-" + std::to_string(i), i)));
  }
  auto pages = fs::file_size(path_) / 4096;
  ASSERT_GT(pages, 10u);
  std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
  for (std::uintmax_t page = 4; page < pages; ++page) {
    file.seekp(static_cast<std::streamoff>(page * 4096));
    file << std::string(64, '\xa5');
  }
  file.close();
  EXPECT_EQ(open_failure(), Code::store_corrupt);
}

TEST_F(StoreTest, ATruncatedFileIsCorrupt) {
  {
    auto store = create();
    for (Byte i = 0; i < 200; ++i)
      ASSERT_TRUE(store->insert_key(make_key("key-" + std::to_string(i), i)));
  }
  fs::resize_file(path_, fs::file_size(path_) / 2);
  EXPECT_EQ(open_failure(), Code::store_corrupt);
}

TEST_F(StoreTest, AVersionWithoutItsKeyIsCorrupt) {
  ASSERT_TRUE(create()->insert_key(make_key("k")));
  tamper("PRAGMA foreign_keys = OFF; DELETE FROM keys;");
  EXPECT_EQ(open_failure(), Code::store_corrupt);
}

TEST_F(StoreTest, AKeyOfAnUnknownTypeIsCorrupt) {
  auto store = create();
  ASSERT_TRUE(store->insert_key(make_key("k")));
  tamper("UPDATE keys SET type = 99");
  EXPECT_EQ(store->load_keys().error().code, Code::store_corrupt);
  tamper("UPDATE keys SET type = 257");  // 1 in its low byte
  EXPECT_EQ(store->load_keys().error().code, Code::store_corrupt);
}

TEST_F(StoreTest, ANewerSchemaIsRefusedUnchanged) {
  auto store = create();
  std::string newer = std::to_string(newest_schema() + 1);
  tamper(("PRAGMA user_version = " + newer).c_str());
  EXPECT_EQ(open_failure(), Code::store_version);
  EXPECT_EQ(store->check().error().code, Code::store_version);
  EXPECT_EQ((*Database::open(path_))->integer("PRAGMA user_version"), newest_schema() + 1);
}

TEST_F(StoreTest, AnEmptyStoreIsMigratedStepByStep) {
  create();
  EXPECT_EQ((*Database::open(path_))->integer("PRAGMA user_version"), newest_schema());
  EXPECT_EQ((*Database::open(path_))->integer("PRAGMA application_id"), kApplicationId);
}

// --- keys

TEST_F(StoreTest, KeysComeBackAsTheyWere) {
  keys::Key key = make_key("customer-pii");
  key.versions.push_back(
      {2, keys::State::pre_active, 5, {{}, "token-label", bytes_of(std::string_view("p\0k", 3))}});
  {
    auto store = create();
    ASSERT_TRUE(store->insert_key(key));
    ASSERT_TRUE(store->insert_version(key.id, make_version(3)));
  }
  auto keys = reopen()->load_keys();
  ASSERT_TRUE(keys);
  ASSERT_EQ(keys->size(), 1u);
  const keys::Key& read = keys->front();
  EXPECT_EQ(read.id, key.id);
  EXPECT_EQ(read.name, "customer-pii");
  EXPECT_EQ(read.type, KeyType::aes_256_gcm);
  EXPECT_EQ(read.created_at_us, key.created_at_us);
  ASSERT_EQ(read.versions.size(), 3u);
  EXPECT_EQ(read.versions[0].material.wrapped, bytes_of("wrapped-material"));
  EXPECT_EQ(read.versions[1].state, keys::State::pre_active);
  EXPECT_TRUE(read.versions[1].material.wrapped.empty());
  EXPECT_EQ(read.versions[1].material.token_object, "token-label");
  EXPECT_EQ(read.versions[1].material.public_key, key.versions[1].material.public_key);
  EXPECT_EQ(read.versions[2].number, 3);
}

TEST_F(StoreTest, AttributesAndSchedulesComeBackAsTheyWere) {
  keys::Key key = make_key("contracts");
  key.type = KeyType::rsa_3072;
  key.protection = keys::Protection::hsm_only;
  key.attributes = {.owner = "legal",
                    .description = "contracts since 2026",
                    .labels = {{"env", "production"}, {"tier", ""}},
                    .actions = {Action::sign, Action::verify},
                    .algorithms = {SignatureScheme::rsa_pss_sha256},
                    .rotate_after_days = 90,
                    .rotate_after_uses = 1'000'000};
  keys::Version planned = make_version(2);
  planned.state = keys::State::pre_active;
  planned.schedule = {{keys::State::active, 10}, {keys::State::restricted, 20}};
  key.versions.push_back(planned);
  {
    auto store = create();
    ASSERT_TRUE(store->insert_key(make_key("other", 9)));
    ASSERT_TRUE(store->insert_key(key));
  }
  auto store = reopen();
  keys::Key read = store->load_keys()->front();
  EXPECT_EQ(read.protection, keys::Protection::hsm_only);
  EXPECT_EQ(read.attributes, key.attributes);
  EXPECT_EQ(read.versions[1].schedule, planned.schedule);
  EXPECT_TRUE(read.versions[0].schedule.empty());

  key.attributes = {.owner = "sales", .labels = {{"env", "test"}}};
  ASSERT_TRUE(store->set_attributes(key.id, key.attributes));
  ASSERT_TRUE(store->set_schedule({key.id, 2}, {{keys::State::retired, 7}}));
  read = store->load_keys()->front();
  EXPECT_EQ(read.attributes, key.attributes);
  EXPECT_EQ(read.versions[1].schedule, (std::vector<keys::Step>{{keys::State::retired, 7}}));
  ASSERT_TRUE(store->set_state({key.id, 2}, keys::State::retired, 8, {}));
  read = store->load_keys()->front();
  EXPECT_EQ(read.versions[1].changed_at_us, 8);
  EXPECT_TRUE(read.versions[1].schedule.empty());
  EXPECT_EQ(store->set_attributes({{7}}, {}).error().code, Code::not_found);
  EXPECT_EQ(store->set_schedule({key.id, 3}, {}).error().code, Code::not_found);
}

TEST_F(StoreTest, AnAttributeThatNobodyKnowsIsRefused) {
  {
    auto store = create();
    ASSERT_TRUE(store->insert_key(make_key("k")));
    auto database = *Database::open(path_);
    ASSERT_TRUE(database->execute("UPDATE keys SET actions = 'decrypt levitate'"));
  }
  EXPECT_EQ(reopen()->load_keys().error().code, Code::store_corrupt)
      << "left out in silence it would have allowed more";
}

TEST_F(StoreTest, KeyNamesAndIdsAreUnique) {
  auto store = create();
  ASSERT_TRUE(store->insert_key(make_key("k", 1)));
  EXPECT_EQ(store->insert_key(make_key("k", 2)).error().code, Code::key_exists);
  EXPECT_EQ(store->insert_key(make_key("other", 1)).error().code, Code::conflict);
  EXPECT_EQ(store->load_keys()->size(), 1u);
}

TEST_F(StoreTest, AKeyIsStoredWholeOrNotAtAll) {
  auto store = create();
  keys::Key key = make_key("k");
  key.versions.push_back(make_version(1));  // the same number again
  EXPECT_EQ(store->insert_key(key).error().code, Code::conflict);
  key.versions.clear();
  EXPECT_FALSE(store->insert_key(key));
  EXPECT_TRUE(store->load_keys()->empty());
  EXPECT_TRUE(store->insert_key(make_key("k")));
}

TEST_F(StoreTest, VersionsNeedTheirKeyAndAFreeNumber) {
  auto store = create();
  ASSERT_TRUE(store->insert_key(make_key("k", 1)));
  EXPECT_EQ(store->insert_version({{1, 2, 3, 4, 5, 6}}, make_version(1)).error().code,
            Code::conflict);
  EXPECT_EQ(store->insert_version({{9, 9, 9, 9, 9, 9}}, make_version(1)).error().code,
            Code::not_found);
  EXPECT_EQ(store->insert_version({{1, 2, 3, 4, 5, 6}}, make_version(0)).error().code,
            Code::conflict);
}

TEST_F(StoreTest, StatesChangeButDestructionIsFinal) {
  auto store = create();
  ASSERT_TRUE(store->insert_key(make_key("k")));
  KeyVersionId id{{{1, 2, 3, 4, 5, 6}}, 1};
  for (auto state : {keys::State::restricted, keys::State::retired, keys::State::destroyed,
                     keys::State::destroyed}) {
    ASSERT_TRUE(store->set_state(id, state, 9, {}));
    EXPECT_EQ(store->load_keys()->front().versions.front().state, state);
  }
  EXPECT_EQ(store->set_state(id, keys::State::active, 9, {}).error().code, Code::key_state);
  EXPECT_EQ(store->set_state({id.key, 2}, keys::State::active, 9, {}).error().code,
            Code::not_found);
  EXPECT_EQ(store->set_state({{}, 1}, keys::State::active, 9, {}).error().code, Code::not_found);
}

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

TEST_F(StoreTest, TheFileItselfRefusesToUndoADestruction) {
  auto store = create();
  ASSERT_TRUE(store->insert_key(make_key("k")));
  ASSERT_TRUE(store->set_state({{{1, 2, 3, 4, 5, 6}}, 1}, keys::State::destroyed, 9, {}));
  auto database = *Database::open(path_);
  EXPECT_FALSE(database->execute("UPDATE versions SET state = 2"));
  EXPECT_FALSE(database->execute("DELETE FROM versions"));
}

// --- policies

TEST_F(StoreTest, PoliciesAreNumberedHistory) {
  auto store = create();
  EXPECT_EQ(*store->latest(), std::nullopt);
  EXPECT_EQ(store->insert({77, "first", "alice", "", 1}), 1u);
  EXPECT_EQ(store->insert({0, "second", "bob", "why", 2}), 2u);
  store = nullptr;
  store = reopen();
  auto latest = store->latest();
  ASSERT_TRUE(latest && *latest);
  EXPECT_EQ((*latest)->number, 2u);
  EXPECT_EQ((*latest)->text, "second");
  EXPECT_EQ((*latest)->author, "bob");
  EXPECT_EQ((*latest)->comment, "why");
  EXPECT_EQ((*latest)->created_at_us, 2);
  auto history = store->history();
  ASSERT_EQ(history->size(), 2u);
  EXPECT_EQ(history->front().text, "first");
  auto database = *Database::open(path_);
  EXPECT_FALSE(database->execute("UPDATE policies SET text = 'x'"));
  EXPECT_FALSE(database->execute("DELETE FROM policies"));
}

// --- administrators, devices, facts

TEST_F(StoreTest, AdminsHaveRoles) {
  auto store = create();
  Admin alice{"alice", {"auditor", "key-admin"}, 5};
  ASSERT_TRUE(store->insert_admin(alice));
  ASSERT_TRUE(store->insert_admin({"bob", {}, 6}));
  EXPECT_EQ(store->insert_admin({"alice", {}, 7}).error().code, Code::conflict);
  EXPECT_EQ(store->insert_admin({"carol", {"auditor", "auditor"}, 7}).error().code, Code::conflict);
  EXPECT_EQ(*store->find_admin("alice"), alice);
  EXPECT_EQ(*store->find_admin("carol"), std::nullopt) << "stored whole or not at all";
  EXPECT_EQ(store->list_admins()->size(), 2u);
  ASSERT_TRUE(store->remove_admin("alice"));
  EXPECT_EQ(store->remove_admin("alice").error().code, Code::not_found);
  EXPECT_EQ(*store->find_admin("alice"), std::nullopt);
}

TEST_F(StoreTest, DevicesHaveCertificates) {
  auto store = create();
  const std::string key(64, 'c');
  DeviceCertificate first{"db1", std::string(64, 'a'), "01", 1, 2, key, 0};
  DeviceCertificate second{"db1", std::string(64, 'b'), "02", 3, 4, key, 0};
  ASSERT_TRUE(store->insert_device(second));
  ASSERT_TRUE(store->insert_device(first));
  EXPECT_EQ(store->insert_device(first).error().code, Code::conflict);
  EXPECT_EQ(store->insert_device({"db2", "short", "03", 1, 2, key, 0}).error().code,
            Code::conflict);
  EXPECT_EQ(*store->list_devices(), (std::vector{first, second}));
}

TEST_F(StoreTest, ADevicesNameBelongsToItsKey) {
  auto store = create();
  const std::string key(64, 'c'), other(64, 'd');
  auto certificate = [](char mark, std::int64_t issued, const std::string& of_key) {
    return DeviceCertificate{"db1", std::string(64, mark), "01", issued, issued + 10, of_key, 0};
  };
  ASSERT_TRUE(store->insert_device(certificate('1', 100, key)));
  auto refused = store->insert_device(certificate('2', 105, other));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::conflict);
  EXPECT_NE(refused.error().hint.find("remove the device"), std::string::npos);
  EXPECT_TRUE(store->insert_device(certificate('3', 105, key))) << "renewal by the same key";
  EXPECT_FALSE(store->insert_device(certificate('4', 114, other))) << "the renewed one is good yet";
  EXPECT_TRUE(store->insert_device(certificate('5', 115, other))) << "all have expired";
  EXPECT_FALSE(store->insert_device(certificate('6', 116, key))) << "an expired one claims nothing";
}

TEST_F(StoreTest, ARemovedDeviceStaysRemoved) {
  auto store = create();
  const std::string key(64, 'c'), other(64, 'd');
  DeviceCertificate first{"db1", std::string(64, 'a'), "01", 1, 90, key, 0};
  ASSERT_TRUE(store->insert_device(first));
  ASSERT_TRUE(store->insert_device({"db2", std::string(64, 'b'), "02", 1, 90, key, 0}));
  EXPECT_EQ(store->remove_device("db3", 5).error().code, Code::not_found);
  ASSERT_TRUE(store->remove_device("db1", 5));
  EXPECT_EQ(store->remove_device("db1", 6).error().code, Code::not_found);
  EXPECT_EQ(store->list_devices()->at(0).removed_at_us, 5);
  EXPECT_EQ(store->list_devices()->at(1).removed_at_us, 0);
  EXPECT_EQ(store->insert_device(first).error().code, Code::conflict) << "this one never again";
  EXPECT_TRUE(store->insert_device({"db1", std::string(64, 'e'), "03", 7, 90, other, 0}));
  EXPECT_EQ(store->list_devices()->size(), 3u);
}

TEST_F(StoreTest, FactsAreWrittenOnce) {
  auto store = create();
  EXPECT_EQ(*store->meta("server_id"), std::nullopt);
  ASSERT_TRUE(store->set_meta("server_id", "one"));
  ASSERT_TRUE(store->set_meta("server_id", "one"));
  EXPECT_EQ(store->set_meta("server_id", "two").error().code, Code::conflict);
  EXPECT_EQ(*store->meta("server_id"), "one");
}

// --- trouble

// A file size limit stands for a full disk: SQLite meets a write that fails either way.
TEST_F(StoreTest, AFullDiskRefusesAndLeavesNothingHalfWritten) {
  auto store = create();
  ASSERT_TRUE(store->insert_key(make_key("before", 1)));
  auto ignored = std::signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
  rlimit full = old;
  full.rlim_cur = fs::file_size(path_.string() + "-wal") + 100;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &full), 0);
  keys::Key large = make_key("large", 2);
  keys::Version version = make_version(1);
  version.material.wrapped = Bytes(20'000, 0x55);
  large.versions.replace(0, version);
  auto refused = store->insert_key(large);
  auto read = store->load_keys();
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &old), 0);
  std::signal(SIGXFSZ, ignored);

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::store_unavailable) << refused.error().message;
  ASSERT_TRUE(read);
  EXPECT_EQ(read->size(), 1u);
  EXPECT_TRUE(store->insert_key(large)) << "recovers without a restart";
  store = nullptr;
  EXPECT_EQ(reopen()->load_keys()->size(), 2u);
}

TEST_F(StoreTest, AnAnsweredChangeSurvivesKill) {
  create();
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto store = Store::open(path_);
    for (int i = 0; store; ++i) {
      if (!(*store)->insert_key(make_key("key-" + std::to_string(i), static_cast<Byte>(i)))) break;
      Byte number = static_cast<Byte>(i);
      if (::write(ready[1], &number, 1) != 1) break;
    }
    ::_exit(1);
  }
  Byte answered = 0;
  while (answered < 20) ASSERT_EQ(::read(ready[0], &answered, 1), 1);
  ASSERT_EQ(::kill(child, SIGKILL), 0);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  ::close(ready[1]);
  while (::read(ready[0], &answered, 1) == 1) continue;
  ::close(ready[0]);
  auto store = reopen();
  ASSERT_TRUE(store);
  EXPECT_GE(store->load_keys()->size(), answered + 1u);
}

TEST_F(StoreTest, ThreadsShareIt) {
  auto store = create();
  std::vector<std::thread> threads;
  for (Byte t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (Byte i = 0; i < 10; ++i) {
        Byte id = static_cast<Byte>(t * 10 + i);
        EXPECT_TRUE(store->insert_key(make_key("key-" + std::to_string(id), id)));
        EXPECT_TRUE(store->load_keys());
        EXPECT_TRUE(store->insert({0, "text", "author", "", 0}));
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(store->load_keys()->size(), 40u);
  EXPECT_EQ((*store->latest())->number, 40u);
  EXPECT_TRUE(store->check());
}

}  // namespace
}  // namespace nae::store

// verify-store and accept-store-rollback on a real token, store and audit log.
#include "keyserver/server/store_commands.hpp"

#include <gmock/gmock.h>

#include <map>

#include "keyserver/audit/directory_lock.hpp"
#include "keyserver/audit/file.hpp"
#include "keyserver/audit/head.hpp"
#include "keyserver/audit/query.hpp"
#include "keyserver/hsm/test_token.hpp"
#include "keyserver/server/accept_keys.hpp"
#include "keyserver/server/hsm_options.hpp"
#include "keyserver/server/offline_log.hpp"
#include "keyserver/server/restore.hpp"
#include "keyserver/server/server.hpp"
#include "keyserver/server/store_and_log.hpp"
#include "keyserver/server/test_installation.hpp"
#include "keyserver/setup/accept_audit_loss.hpp"
#include "keyserver/setup/reason.hpp"
#include "keyserver/setup/take_up_ledger.hpp"
#include "keyserver/store/sqlite/sqlite.hpp"
#include "keyserver/store/sqlite/store.hpp"
#include "libnae/crypto/certificate.hpp"
#include "libnae/pkcs11/module.hpp"
#include "libnae/pkcs11/pin_file.hpp"
#include "libnae/pkcs11/token.hpp"

namespace nae::server {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

[[maybe_unused]] const auto* const kHeap = crypto::take_secure_heap_for_tests();

class StoreCommandsTest : public InstallationTest {
 protected:
  struct Open {
    std::unique_ptr<store::Store> store;
    std::unique_ptr<hsm::Pkcs11Hsm> hsm;
  };
  Open open() {
    setup::use_softhsm_configuration(config_.hsm.softhsm_configuration);
    Open parts;
    parts.hsm = hsm::Pkcs11Hsm::open(hsm_options(config_)).value();
    parts.store = store::sqlite::Store::open(config_.store.path).value();
    return parts;
  }
  // What a server does: changes the store, records it, signs a head at its end.
  void change(const std::string& name) {
    Open parts = open();
    ASSERT_TRUE(setup::take_up_ledger(*parts.store, *parts.hsm));
    auto log = OfflineLog::open(config_, *parts.store, *parts.hsm, "test", *parts.store);
    ASSERT_TRUE(log) << log.error().message;
    ASSERT_TRUE(parts.store->set_meta(name, "x"));
    ASSERT_TRUE(log->record("changed", name));
  }
  // What a server leaves that is killed before it has signed a head over its newest records.
  void leave_unsigned_records() {
    audit::LogOptions options;
    options.directory = config_.audit.directory;
    auto log = audit::Log::open(std::move(options)).value();
    audit::Batch batch;
    batch.add(audit::EventRecord{1, "started", "and killed"});
    ASSERT_TRUE(log->append(batch));
  }
  std::string newest_head() const {
    return read_file(config_.audit.directory / audit::kHeadFile, 1 << 16).value();
  }
  // The records that follow stand in another segment; the end of this one is signed with them.
  void begin_segment() {
    audit::LogOptions options;
    options.directory = config_.audit.directory;
    options.segment_bytes = 1;
    auto log = audit::Log::open(std::move(options)).value();
    audit::Batch batch;
    batch.add(audit::EventRecord{1, "started", "with a new segment"});
    ASSERT_TRUE(log->append(batch));
  }
  fs::path head_file() const { return config_.audit.directory / audit::kHeadFile; }
  // By every way to the store, and never with a word in the log that it was taken.
  void expect_refused(const std::string& why) {
    const std::string log = read_log();
    EXPECT_EQ(verify_failure().code, Code::store_rolled_back);
    EXPECT_THAT(verify_failure().message, HasSubstr(why));
    EXPECT_THAT(verify_failure().hint, HasSubstr("nae-keyserver accept-store-rollback"));
    for (int start = 0; start < 2; ++start) {
      auto server = Server::start(config_);
      ASSERT_FALSE(server);
      EXPECT_EQ(server.error().code, Code::store_rolled_back);
      EXPECT_THAT(server.error().message, HasSubstr(why));
    }
    auto accepted = accept_keys(config_, "restored");
    ASSERT_FALSE(accepted);
    EXPECT_EQ(accepted.error().code, Code::store_rolled_back);
    EXPECT_EQ(read_log(), log);
  }
  void expect_accepted(const std::string& why) {
    auto accepted = accept_store_rollback(config_, "the disk died");
    ASSERT_TRUE(accepted) << accepted.error().message;
    EXPECT_THAT(*accepted, HasSubstr(why));
    EXPECT_EQ(records("store-rollback-accepted").size(), 1u);
    EXPECT_TRUE(check());
    EXPECT_EQ(accept_failure(), Code::conflict) << "once";
    change("later");
    EXPECT_TRUE(verify_store(config_));
  }
  std::string read_log() const {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::directory_iterator(config_.audit.directory))
      if (entry.is_regular_file())
        files[entry.path().filename().string()] = read_file(entry.path(), 1 << 20).value();
    std::string all;
    for (const auto& [name, content] : files) all += name + "\n" + content;
    return all;
  }
  void forget_ledger_key() {
    setup::use_softhsm_configuration(config_.hsm.softhsm_configuration);
    const auto module = pkcs11::Module::load(hsm::kSoftHsmModule, "").value();
    const auto slot = pkcs11::find_token(*module, config_.hsm.token_label).value();
    const auto pin = pkcs11::read_pin(hsm_options(config_).pin_file).value();
    const auto session = pkcs11::Session::open(*module, slot, pin.value).value();
    ASSERT_TRUE(
        session->destroy(session->find(CKO_SECRET_KEY, "nae-group-ledger").value().value()));
  }
  void keep(const fs::path& where) {
    fs::copy_file(config_.store.path, where, fs::copy_options::overwrite_existing);
  }
  void put_back(const fs::path& from) {
    for (const char* suffix : {"-wal", "-shm"}) fs::remove(config_.store.path.string() + suffix);
    fs::copy_file(from, config_.store.path, fs::copy_options::overwrite_existing);
  }
  void tamper(const char* sql) {
    auto database = store::sqlite::Database::open(config_.store.path);
    ASSERT_TRUE(database);
    auto run = (*database)->run_script(sql);
    ASSERT_TRUE(run) << run.error().message;
  }
  Error verify_failure() {
    auto verified = verify_store(config_);
    return verified ? Error(Code::internal, "it is sound") : verified.error();
  }
  Code accept_failure(const std::string& reason = "the disk died") {
    auto accepted = accept_store_rollback(config_, reason);
    return accepted ? Code::internal : accepted.error().code;
  }
  std::vector<audit::StoredRecord> records(const std::string& event) const {
    audit::Filter filter;
    filter.event = event;
    return audit::query(config_.audit.directory, filter).value();
  }
  // As at a start of the server.
  Result<void> check() {
    Open parts = open();
    NAE_TRY(setup::take_up_ledger(*parts.store, *parts.hsm));
    NAE_ASSIGN(const LogOfStore log, log_of_store(config_.audit.directory, *parts.hsm));
    return check_store_and_log(*parts.store, log);
  }
};

TEST_F(StoreCommandsTest, ASoundStoreIsVerified) {
  change("one");
  change("two");
  auto verified = verify_store(config_);
  ASSERT_TRUE(verified) << verified.error().message;
  EXPECT_EQ(verified->changes, 3u);
  EXPECT_EQ(verified->rows, 5u);
  EXPECT_EQ(verified->head.epoch, 3u);
  EXPECT_EQ(accept_failure(), Code::conflict) << "there is nothing to accept";
  EXPECT_TRUE(records("store-rollback-accepted").empty());
}

TEST_F(StoreCommandsTest, AHandInTheStoreIsNamedAndNeverAccepted) {
  change("one");
  tamper("INSERT INTO admin_roles VALUES ('admin', 'operator2')");
  EXPECT_EQ(verify_failure().code, Code::store_corrupt);
  EXPECT_THAT(verify_failure().message, HasSubstr("administrator admin"));
  EXPECT_EQ(accept_failure(), Code::store_corrupt);
}

TEST_F(StoreCommandsTest, AnOlderStoreBesideTheLogIsRefusedUntilItIsAccepted) {
  const fs::path older = directory_ / "older.db", other = directory_ / "other.db";
  change("one");
  keep(older);
  change("two");
  change("three");
  put_back(older);
  EXPECT_EQ(verify_failure().code, Code::store_rolled_back);
  EXPECT_THAT(verify_failure().message, HasSubstr("ends at change 2 of its ledger"));
  EXPECT_THAT(verify_failure().message, HasSubstr("knows change 4"));
  EXPECT_EQ(check().error().code, Code::store_rolled_back);
  for (const std::string& reason : {std::string(), std::string(setup::kMaxReasonBytes + 1, 'x')})
    EXPECT_EQ(accept_failure(reason), Code::invalid_argument);
  auto accepted = accept_store_rollback(config_, "the disk died");
  ASSERT_TRUE(accepted) << accepted.error().message;
  EXPECT_THAT(*accepted, HasSubstr("the disk died"));
  EXPECT_THAT(*accepted, HasSubstr("knows change 4"));
  ASSERT_EQ(records("store-rollback-accepted").size(), 1u);
  EXPECT_EQ(records("store-rollback-accepted")[0].detail, *accepted);
  EXPECT_TRUE(check());
  EXPECT_TRUE(verify_store(config_));
  {
    Open parts = open();
    ASSERT_TRUE(setup::take_up_ledger(*parts.store, *parts.hsm));
    const store::Change noted = parts.store->changes_after(2, 1).value().at(0);
    EXPECT_EQ(noted.kind, store::ChangeKind::rollback_accepted);
    EXPECT_EQ(noted.admin, "nae-keyserver accept-store-rollback");
  }
  // The history that was given up does not come back either, although it is a longer one.
  change("four");
  EXPECT_TRUE(check());
}

// A start that refuses the store must not have the log say afterwards that it was taken.
TEST_F(StoreCommandsTest, AnOlderStoreIsRefusedAtEveryStart) {
  const fs::path older = directory_ / "older.db";
  change("one");
  keep(older);
  change("two");
  leave_unsigned_records();
  put_back(older);
  const std::string head = newest_head();
  for (int start = 1; start <= 3; ++start) {
    auto server = Server::start(config_);
    ASSERT_FALSE(server) << "start " << start;
    EXPECT_EQ(server.error().code, Code::store_rolled_back) << start;
    EXPECT_EQ(newest_head(), head) << start;
  }
}

TEST_F(StoreCommandsTest, NoCommandButItsOwnTakesAnOlderStore) {
  const fs::path older = directory_ / "older.db";
  change("one");
  keep(older);
  change("two");
  leave_unsigned_records();
  put_back(older);
  const std::string head = newest_head();
  const auto code_of = [](const auto& done) { return done ? Code::internal : done.error().code; };
  for (int attempt = 0; attempt < 2; ++attempt) {
    EXPECT_EQ(code_of(accept_keys(config_, "restored")), Code::store_rolled_back);
    {
      Open parts = open();
      ASSERT_TRUE(setup::take_up_ledger(*parts.store, *parts.hsm));
      EXPECT_EQ(code_of(OfflineLog::open(config_, *parts.store, *parts.hsm, "test", *parts.store)),
                Code::store_rolled_back);
    }
    EXPECT_EQ(newest_head(), head);
  }
  EXPECT_TRUE(accept_store_rollback(config_, "the disk died"));
  EXPECT_TRUE(check());
}

// The keys come back, and that the store is an older one stays to be accepted.
TEST_F(StoreCommandsTest, RestoreSaysThatTheStoreIsBehind) {
  const fs::path older = directory_ / "older.db";
  change("one");
  keep(older);
  change("two");
  leave_unsigned_records();
  put_back(older);
  const std::string head = newest_head();
  for (const auto& token : fs::directory_iterator(directory_ / "server/hsm/tokens"))
    fs::remove_all(token.path());
  Restore wanted;
  wanted.custody = directory_ / "server/custody.nae";
  wanted.software_cards = {
      {directory_ / "server/custody/card.pem", directory_ / "server/custody/passphrase"}};
  auto restored = restore(config_, wanted);
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_THAT(restored->not_recorded, HasSubstr("knows change 3"));
  EXPECT_THAT(restored->not_recorded, HasSubstr("nae-keyserver accept-store-rollback"));
  EXPECT_EQ(newest_head(), head);
  EXPECT_EQ(check().error().code, Code::store_rolled_back);
  EXPECT_TRUE(accept_store_rollback(config_, "its disk died as well"));
  EXPECT_TRUE(check());
}

// The same number, another history: what a database does that lost its newest commits.
TEST_F(StoreCommandsTest, AnotherHistoryOfTheSameLengthIsRefused) {
  const fs::path older = directory_ / "older.db";
  change("one");
  keep(older);
  change("two");
  put_back(older);
  {
    Open parts = open();
    ASSERT_TRUE(setup::take_up_ledger(*parts.store, *parts.hsm));
    ASSERT_TRUE(parts.store->set_meta("another", "x"));
    EXPECT_EQ(parts.store->ledger_head().epoch, 3u);
  }
  EXPECT_EQ(check().error().code, Code::store_rolled_back);
  EXPECT_THAT(check().error().message, HasSubstr("another change there"));
  ASSERT_TRUE(accept_store_rollback(config_, "promoted the other one"));
  EXPECT_TRUE(check());
}

TEST_F(StoreCommandsTest, AStoreWithoutItsLedgerIsRefusedUntilItIsAccepted) {
  change("one");
  tamper(
      "DROP TRIGGER ledger_changes_stay; DELETE FROM ledger_snapshots; DELETE FROM ledger;"
      "CREATE TRIGGER ledger_changes_stay BEFORE DELETE ON ledger\n"
      "  BEGIN SELECT raise(ABORT, 'a change stays'); END");
  EXPECT_EQ(verify_failure().code, Code::store_rolled_back);
  EXPECT_EQ(check().error().code, Code::store_rolled_back);
  ASSERT_TRUE(accept_store_rollback(config_, "a backup of last year"));
  EXPECT_TRUE(check());
  EXPECT_EQ(verify_store(config_)->changes, 2u) << "its rows, and that they were accepted";
}

TEST_F(StoreCommandsTest, ALedgerWhoseKeyIsGoneIsNotDroppedInSilence) {
  change("one");
  forget_ledger_key();
  EXPECT_EQ(check().error().code, Code::store_rolled_back);
  EXPECT_THAT(check().error().message, HasSubstr("no key that could read it"));
  auto accepted = accept_keys(config_, "restored");
  ASSERT_FALSE(accepted);
  EXPECT_EQ(accepted.error().code, Code::store_rolled_back);
  ASSERT_TRUE(accept_store_rollback(config_, "the token is a new one"));
  EXPECT_EQ(records("store-rollback-accepted").size(), 1u);
  EXPECT_TRUE(check());
  EXPECT_EQ(verify_store(config_)->changes, 2u);
}

// The log may have been told of the ledger before the token's key got its name: the next start goes
// on with that ledger.
TEST_F(StoreCommandsTest, ABegunLedgerIsFinishedAndNotBegunAgain) {
  tamper(
      "DROP TRIGGER ledger_changes_stay; DELETE FROM ledger_snapshots; DELETE FROM ledger;"
      "CREATE TRIGGER ledger_changes_stay BEFORE DELETE ON ledger\n"
      "  BEGIN SELECT raise(ABORT, 'a change stays'); END");
  forget_ledger_key();
  for (int start = 0; start < 2; ++start) {
    Open parts = open();
    auto begun = setup::take_up_ledger(*parts.store, *parts.hsm);
    ASSERT_TRUE(begun) << begun.error().message;
    EXPECT_TRUE(*begun) << "it is to be recorded, and finished";
    auto log = OfflineLog::open(config_, *parts.store, *parts.hsm, "test", *parts.store);
    ASSERT_TRUE(log) << log.error().message;
    ASSERT_TRUE(log->record("ledger-begun", (*begun)->detail));
  }
  Open parts = open();
  ASSERT_TRUE(setup::take_up_ledger(*parts.store, *parts.hsm));
  ASSERT_TRUE(parts.hsm->finish_ledger());
  EXPECT_EQ(parts.store->ledger_head().epoch, 1u);
}

TEST_F(StoreCommandsTest, AStoreWithoutItsLedgerIsRefusedByCommandsToo) {
  change("one");
  tamper(
      "DROP TRIGGER ledger_changes_stay; DELETE FROM ledger_snapshots; DELETE FROM ledger;"
      "CREATE TRIGGER ledger_changes_stay BEFORE DELETE ON ledger\n"
      "  BEGIN SELECT raise(ABORT, 'a change stays'); END");
  auto accepted = accept_keys(config_, "restored");
  ASSERT_FALSE(accepted);
  EXPECT_EQ(accepted.error().code, Code::store_rolled_back);
}

// Without it nothing would be compared, whatever the store is.
TEST_F(StoreCommandsTest, AHeadThatIsMissingIsMissed) {
  const fs::path older = directory_ / "older.db", newest = directory_ / "newest.db";
  change("one");
  keep(older);
  change("two");
  keep(newest);
  fs::remove(head_file());
  expect_refused("head.json is missing");
  put_back(older);
  expect_refused("audit-000000000001.jsonl knows change 3");
  put_back(newest);
  expect_accepted("head.json is missing");
}

TEST_F(StoreCommandsTest, AHeadThatTellsNothingOfTheStoreIsNone) {
  change("one");
  change("two");
  const audit::Head head = **audit::read_head_file(head_file());
  {
    // As a server without ledgers signs it.
    Open parts = open();
    audit::Head without = head;
    without.store = {};
    without.signature =
        parts.hsm->sign_as(keys::ServerKey::audit, as_bytes(audit::canonical_bytes(without)))
            .value();
    ASSERT_TRUE(audit::write_head_file(head_file(), without));
  }
  expect_refused("says nothing of the store");
  ASSERT_TRUE(audit::write_head_file(head_file(), head));
  EXPECT_TRUE(check());
}

TEST_F(StoreCommandsTest, AHeadOfAnOlderDayIsNotBelieved) {
  const fs::path older = directory_ / "older.db", newest = directory_ / "newest.db";
  const fs::path head = directory_ / "head.json";
  change("one");
  keep(older);
  fs::copy_file(head_file(), head);
  change("two");
  keep(newest);
  fs::copy_file(head_file(), directory_ / "newest.json");
  put_back(older);
  fs::copy_file(head, head_file(), fs::copy_options::overwrite_existing);
  expect_refused("audit-000000000001.jsonl knows change 3");
  // Some days later the segment is closed, and has a head of its own.
  put_back(newest);
  fs::copy_file(directory_ / "newest.json", head_file(), fs::copy_options::overwrite_existing);
  begin_segment();
  change("three");
  put_back(older);
  fs::copy_file(head, head_file(), fs::copy_options::overwrite_existing);
  expect_refused("knows change 4");
  expect_accepted("knows change 4");
}

TEST_F(StoreCommandsTest, AHeadAndTheNewestSegmentTakenAwayTogetherAreMissed) {
  const fs::path older = directory_ / "older.db";
  change("one");
  keep(older);
  change("two");
  begin_segment();
  change("three");
  const auto segments = audit::list_segments(config_.audit.directory).value();
  ASSERT_EQ(segments.size(), 2u);
  fs::remove(segments.back().path);
  fs::remove(head_file());
  // The newest store knows more of the log than is left of it.
  auto server = Server::start(config_);
  ASSERT_FALSE(server);
  EXPECT_EQ(server.error().code, Code::audit_broken);
  put_back(older);
  expect_refused("audit-000000000001.head.json knows change ");
  expect_accepted("audit-000000000001.head.json knows change ");
}

TEST_F(StoreCommandsTest, AHeadOfAnotherGroupIsNone) {
  change("one");
  const crypto::KeyPair other = crypto::generate_p256().value();
  audit::Head head = **audit::read_head_file(head_file());
  head.store.epoch = 1;
  head.signature =
      (*crypto::software_signer(other.private_key_pem))(as_bytes(audit::canonical_bytes(head)))
          .value();
  ASSERT_TRUE(audit::write_head_file(head_file(), head));
  EXPECT_EQ(verify_failure().code, Code::audit_broken);
  auto server = Server::start(config_);
  ASSERT_FALSE(server);
  EXPECT_EQ(server.error().code, Code::audit_broken);
  EXPECT_THAT(server.error().message, HasSubstr("head.json was not signed"));
  EXPECT_THAT(server.error().hint, HasSubstr("nae-keyserver accept-audit-loss"));
  EXPECT_EQ(accept_failure(), Code::audit_broken);
}

// A log that was lost begins with records that nobody has signed yet.
TEST_F(StoreCommandsTest, ALogThatBeginsAnewHasItsHeadAtOnce) {
  change("one");
  const auto segments = audit::list_segments(config_.audit.directory).value();
  for (const audit::Segment& segment : segments) fs::remove(segment.path);
  fs::remove(head_file());
  {
    auto store = store::sqlite::Store::open(config_.store.path).value();
    ASSERT_TRUE(setup::accept_audit_loss(*store, config_.audit.directory, "burnt"));
  }
  EXPECT_FALSE(fs::exists(head_file()));
  EXPECT_TRUE(check());
  {
    Open parts = open();
    ASSERT_TRUE(setup::take_up_ledger(*parts.store, *parts.hsm));
    auto log = OfflineLog::open(config_, *parts.store, *parts.hsm, "test", *parts.store);
    ASSERT_TRUE(log) << log.error().message;
    EXPECT_EQ((**audit::read_head_file(head_file())).store, store_point(*parts.store))
        << "before anything else is recorded";
  }
  EXPECT_TRUE(check());
}

TEST_F(StoreCommandsTest, AHeadThatNobodySignedSaysNothing) {
  change("one");
  const fs::path file = config_.audit.directory / audit::kHeadFile;
  audit::Head head = **audit::read_head_file(file);
  head.store.epoch = 1'000;
  ASSERT_TRUE(audit::write_head_file(file, head));
  EXPECT_EQ(verify_failure().code, Code::audit_broken);
  EXPECT_EQ(accept_failure(), Code::audit_broken);
}

TEST_F(StoreCommandsTest, NotBesideARunningServer) {
  auto lock = audit::lock_directory(config_.audit.directory);
  ASSERT_TRUE(lock) << lock.error().message;
  EXPECT_EQ(verify_failure().code, Code::conflict);
  EXPECT_EQ(accept_failure(), Code::conflict);
}

}  // namespace
}  // namespace nae::server

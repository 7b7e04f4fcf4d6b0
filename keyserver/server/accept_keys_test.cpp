// `accept-keys`: rows that nobody has bound are taken for what they say, with a reason and a
// record.
#include "keyserver/server/accept_keys.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include "keyserver/audit/directory_lock.hpp"
#include "keyserver/audit/query.hpp"
#include "keyserver/server/hsm_options.hpp"
#include "keyserver/server/offline_log.hpp"
#include "keyserver/server/test_installation.hpp"
#include "keyserver/setup/reason.hpp"
#include "keyserver/setup/take_up_ledger.hpp"
#include "keyserver/store/sqlite/test_store.hpp"

namespace nae::server {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

[[maybe_unused]] const auto* const kHeap = crypto::take_secure_heap_for_tests();

class AcceptKeysTest : public InstallationTest {
 protected:
  // As a backup of an older server brings it: a secret of this token, and no binding.
  void add_unbound(const std::string& name, Byte id) {
    setup::use_softhsm_configuration(config_.hsm.softhsm_configuration);
    auto hsm = hsm::Pkcs11Hsm::open(hsm_options(config_));
    ASSERT_TRUE(hsm) << hsm.error().message;
    auto store = store::sqlite::Store::open(config_.store.path);
    ASSERT_TRUE(store) << store.error().message;
    ASSERT_TRUE(setup::take_up_ledger(**store, **hsm));
    keys::Key key = store::sqlite::make_key(name, id);
    keys::Version version = store::sqlite::make_version(1);
    version.material = (*hsm)->generate({key.id, 1}, key.type).value();
    key.versions.replace(0, version);
    ASSERT_TRUE((*store)->insert_key(key));
  }
  bool is_bound() {
    const auto keys = store::sqlite::Store::open(config_.store.path).value()->load_keys().value();
    return !keys.at(0).versions[0].binding.signature.empty();
  }
  Code refusal(const std::string& reason = "restored from a backup") {
    auto accepted = accept_keys(config_, reason);
    EXPECT_FALSE(accepted) << *accepted;
    return accepted ? Code::internal : accepted.error().code;
  }
  std::vector<audit::StoredRecord> records(const std::string& event) const {
    audit::Filter filter;
    filter.event = event;
    return audit::query(config_.audit.directory, filter).value();
  }
};

TEST_F(AcceptKeysTest, AsksForAReason) {
  add_unbound("late", 1);
  for (const std::string& reason : {std::string(), std::string(setup::kMaxReasonBytes + 1, 'x'),
                                    std::string("\xff"), std::string("a\xc3")})
    EXPECT_EQ(refusal(reason), Code::invalid_argument) << reason.size();
  EXPECT_FALSE(is_bound());
  EXPECT_TRUE(records("keys-accepted").empty());
  EXPECT_TRUE(accept_keys(config_, std::string(setup::kMaxReasonBytes, 'x')));
}

TEST_F(AcceptKeysTest, RecordsWhoTookWhatAndWhy) {
  add_unbound("late", 1);
  auto accepted = accept_keys(config_, "restored from a backup");
  ASSERT_TRUE(accepted) << accepted.error().message;
  EXPECT_THAT(*accepted, StartsWith("accepted by uid " + std::to_string(::getuid()) +
                                    ": restored from a backup; "));
  EXPECT_THAT(*accepted, HasSubstr("version 1 of late"));
  EXPECT_TRUE(is_bound());
  const auto written = records("keys-accepted");
  ASSERT_EQ(written.size(), 1u);
  EXPECT_EQ(written[0].detail, *accepted);
  EXPECT_EQ(records("stopped").size(), 1u) << "the log is closed as a server closes it";
  EXPECT_EQ(refusal(), Code::conflict) << "a second time there is nothing to take";
  EXPECT_EQ(records("keys-accepted").size(), 1u);
}

// The record of its stop would hide that nobody had stopped the server before.
TEST_F(AcceptKeysTest, SaysThatTheServerWasKilledBefore) {
  add_unbound("late", 1);
  {
    setup::use_softhsm_configuration(config_.hsm.softhsm_configuration);
    auto hsm = hsm::Pkcs11Hsm::open(hsm_options(config_)).value();
    auto store = store::sqlite::Store::open(config_.store.path).value();
    audit::LogOptions options;
    options.directory = config_.audit.directory;
    options.head_keeper = store.get();
    options.sign = [&](ByteView head) { return hsm->sign_as(keys::ServerKey::audit, head); };
    auto log = audit::Log::open(std::move(options)).value();
    audit::Batch batch;
    batch.add(audit::EventRecord{1, "started", "and killed"});
    ASSERT_TRUE(log->append(batch));
  }
  ASSERT_TRUE(accept_keys(config_, "restored"));
  EXPECT_EQ(records("interrupted").size(), 1u);
  EXPECT_EQ(records("stopped").size(), 1u);
}

TEST_F(AcceptKeysTest, HasNothingToDoOnASoundStore) {
  EXPECT_EQ(refusal(), Code::conflict);
  EXPECT_TRUE(records("keys-accepted").empty());
}

TEST_F(AcceptKeysTest, NotBesideARunningServer) {
  add_unbound("late", 1);
  {
    auto lock = audit::lock_directory(config_.audit.directory);
    ASSERT_TRUE(lock) << lock.error().message;
    EXPECT_EQ(refusal(), Code::conflict);
    EXPECT_FALSE(is_bound());
  }
  EXPECT_TRUE(accept_keys(config_, "restored"));
}

TEST_F(AcceptKeysTest, NotForTheStoreOfAnotherToken) {
  add_unbound("late", 1);
  setup::Choices choices;
  choices.directory = directory_ / "other";
  ASSERT_TRUE(setup::initialise(choices));
  const std::filesystem::path own =
      std::exchange(config_.store.path, choices.directory / "keys.db");
  EXPECT_EQ(refusal(), Code::group_key_missing);
  config_.store.path = own;
  EXPECT_FALSE(is_bound());
}

TEST_F(AcceptKeysTest, NotWithoutTheAuditLog) {
  add_unbound("late", 1);
  std::filesystem::rename(config_.audit.directory, directory_ / "away");
  auto accepted = accept_keys(config_, "restored");
  EXPECT_FALSE(accepted);
  EXPECT_FALSE(is_bound()) << "the record comes first";
}

}  // namespace
}  // namespace nae::server

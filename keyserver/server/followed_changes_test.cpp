#include "keyserver/server/followed_changes.hpp"

#include <gmock/gmock.h>

#include "keyserver/admin/standing_reader.hpp"
#include "keyserver/hsm/hsm_queue.hpp"
#include "keyserver/server/hsm_options.hpp"
#include "keyserver/server/offline_ledger.hpp"
#include "keyserver/server/open_store.hpp"
#include "keyserver/server/test_installation.hpp"

namespace nae::server {
namespace {

using namespace std::chrono_literals;

constexpr char kPolicy[] = "version = 1\n[[device]]\nname = \"d\"\n[[program]]\nname = \"p\"\n";

// Counts who asks for changes.
class AskedLedger final : public store::Ledger {
 public:
  explicit AskedLedger(store::Ledger& ledger) : ledger_(ledger) {}
  Result<bool> has_ledger() override { return ledger_.has_ledger(); }
  Result<store::LedgerReport> begin_ledger(store::LedgerSettings settings) override {
    return ledger_.begin_ledger(std::move(settings));
  }
  Result<store::LedgerReport> open_ledger(store::LedgerSettings settings) override {
    return ledger_.open_ledger(std::move(settings));
  }
  Result<store::LedgerReport> verify_ledger() override { return ledger_.verify_ledger(); }
  store::LedgerPoint ledger_head() override { return ledger_.ledger_head(); }
  Result<store::LedgerPoint> catch_up() override { return ledger_.catch_up(); }
  Result<std::optional<store::LedgerHash>> change_hash(std::uint64_t epoch) override {
    return ledger_.change_hash(epoch);
  }
  Result<std::vector<store::Change>> changes_after(std::uint64_t epoch, std::size_t most) override {
    ++asked;
    return ledger_.changes_after(epoch, most);
  }
  Result<void> note_rollback_accepted() override { return ledger_.note_rollback_accepted(); }

  int asked = 0;

 private:
  store::Ledger& ledger_;
};

// One server's memory of a store, and another's hand that changes it.
class FollowedChangesTest : public InstallationTest {
 protected:
  FollowedChangesTest() {
    setup::use_softhsm_configuration(config_.hsm.softhsm_configuration);
    auto token = hsm::Pkcs11Hsm::open(hsm_options(config_)).value();
    store_ = open_store(config_).value();
    if (!take_up_ledger_if_there(*store_, *token)) throw std::runtime_error("no ledger");
    hsm_.emplace(std::move(token));
    policy_ = policy::PolicyBook::open(*store_).value();
    theirs_ = policy::PolicyBook::open(*store_).value();
    ring_.emplace(*store_, nullptr, run_on_hsm());
    hand_.emplace(*store_, store_.get(), run_on_hsm());
    if (!hand_->load()) throw std::runtime_error("no keys");
    create_key("pii");
    devices_.emplace(admin::device_reader(*store_), protocols::UnknownNames::admitted);
    admins_.emplace(admin::admin_reader(*store_), protocols::UnknownNames::refused);
    ledger_.emplace(*store_);
    changes_.emplace(
        FollowedChanges::Parts{*ledger_, *ring_, *policy_, *devices_, *admins_, working_keys_});
  }
  keys::RunOnHsm run_on_hsm() {
    return [this](keys::HsmJob job) -> Result<void> {
      if (hsm_lost_) return fail(Code::hsm_unavailable, "it is pulled out");
      return hsm_->call(std::move(job), 10s);
    };
  }
  void create_key(const std::string& name) {
    auto made = hand_->create(name, KeyType::aes_256_gcm);
    ASSERT_TRUE(made) << made.error().message;
  }
  keys::KeyPointer pii() const { return ring_->find("pii"); }

  std::unique_ptr<const crypto::GcmProvider> gcm_ = crypto::fastest_gcm();
  std::unique_ptr<store::Store> store_;
  std::optional<hsm::HsmQueue> hsm_;
  std::unique_ptr<policy::PolicyBook> policy_, theirs_;
  std::optional<keys::KeyRing> ring_, hand_;
  keys::WorkingKeys working_keys_{*gcm_};
  std::optional<protocols::CertificateRegister> devices_, admins_;
  std::optional<AskedLedger> ledger_;
  std::optional<FollowedChanges> changes_;
  bool hsm_lost_ = false;
};

TEST_F(FollowedChangesTest, ReadsWhatHasChangedAndNoMore) {
  ASSERT_TRUE(changes_->take_in());
  const keys::KeyPointer before = pii();
  ASSERT_TRUE(before);
  const std::uint32_t policy = policy_->snapshot()->number;

  ASSERT_TRUE(theirs_->apply(kPolicy, "alice", "", 2));
  EXPECT_EQ(changes_->take_in().value(), store_->ledger_head());
  EXPECT_EQ(policy_->snapshot()->number, policy + 1);
  EXPECT_EQ(pii(), before) << "no key was read again";

  create_key("cards");
  EXPECT_EQ(changes_->take_in().value(), store_->ledger_head());
  EXPECT_TRUE(ring_->find("cards"));
  EXPECT_NE(pii(), before) << "keys are read as a whole";
}

TEST_F(FollowedChangesTest, KnowsOfDevicesAndAdministratorsAtOnce) {
  ASSERT_TRUE(changes_->take_in());
  const keys::KeyPointer before = pii();
  const std::string fingerprint(64, 'a');
  const net::PeerIdentity device{net::PeerKind::device, "host-1", "01", fingerprint};
  const net::PeerIdentity admin{net::PeerKind::admin, "bob", "01", fingerprint};
  ASSERT_TRUE(
      store_->insert_device({"host-1", fingerprint, "01", 1, INT64_MAX, std::string(64, 'b')}));
  ASSERT_TRUE(store_->remove_device("host-1", 2));
  EXPECT_TRUE(devices_->admits(device)) << "until it is read";
  ASSERT_TRUE(changes_->take_in());
  EXPECT_FALSE(devices_->admits(device));

  ASSERT_TRUE(store_->insert_admin(
      {"bob", {"auditor"}, 1, fingerprint, {{fingerprint, "01", 1, INT64_MAX}}}));
  EXPECT_FALSE(admins_->admits(admin)) << "until it is read";
  ASSERT_TRUE(changes_->take_in());
  EXPECT_TRUE(admins_->admits(admin));
  EXPECT_EQ(pii(), before);
}

// A server starts from the newest snapshot: what is older is for verify-store to read.
TEST_F(FollowedChangesTest, AsksForNoChangesFromBeforeItsFirstReading) {
  ASSERT_TRUE(changes_->take_in());
  ASSERT_TRUE(changes_->take_in());
  EXPECT_EQ(ledger_->asked, 0);
  create_key("cards");
  ASSERT_TRUE(changes_->take_in());
  EXPECT_EQ(ledger_->asked, 1);
}

// More than is looked at one by one.
TEST_F(FollowedChangesTest, ReadsAllAfterManyChanges) {
  ASSERT_TRUE(changes_->take_in());
  const keys::KeyPointer before = pii();
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(store_->set_meta("fact-" + std::to_string(i), "x"));
  EXPECT_EQ(changes_->take_in().value(), store_->ledger_head());
  EXPECT_NE(pii(), before);
}

TEST_F(FollowedChangesTest, WhatCouldNotBeReadIsReadByTheNextCall) {
  ASSERT_TRUE(changes_->take_in());
  create_key("cards");
  hsm_lost_ = true;
  ring_.emplace(*store_, nullptr, run_on_hsm());  // which asks the token once
  EXPECT_EQ(changes_->take_in().error().code, Code::hsm_unavailable);
  hsm_lost_ = false;
  EXPECT_TRUE(changes_->take_in());
  EXPECT_TRUE(ring_->find("cards"));
}

}  // namespace
}  // namespace nae::server

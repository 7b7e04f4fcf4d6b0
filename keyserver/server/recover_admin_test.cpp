// Break-glass: who is appointed past all administrators, for what, and that it cannot be hidden.
#include "keyserver/server/recover_admin.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include "keyserver/audit/directory_lock.hpp"
#include "keyserver/audit/query.hpp"
#include "keyserver/server/test_installation.hpp"
#include "keyserver/setup/reason.hpp"
#include "keyserver/store/sqlite/store.hpp"
#include "libnae/base/text.hpp"
#include "libnae/crypto/certificate.hpp"
#include "libnae/crypto/hash.hpp"

namespace nae::server {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

[[maybe_unused]] const auto* const kHeap = crypto::take_secure_heap_for_tests();

class RecoverAdminTest : public InstallationTest {
 protected:
  // A request by a key that nobody else has.
  fs::path request_of(const crypto::KeyPair& key) const {
    const fs::path file = directory_ / "request.pem";
    write(file, crypto::make_request(key.private_key_pem, "whoever").value());
    return file;
  }
  Recovery wanted(const std::string& name) const {
    return {name, {}, request_of(key_), directory_ / ("for-" + name), "the certificates expired"};
  }
  Code refusal(const Recovery& recovery) const {
    auto done = recover_admin(config_, recovery);
    EXPECT_FALSE(done);
    return done ? Code::internal : done.error().code;
  }
  std::vector<store::Admin> admins() const {
    return store::sqlite::Store::open(config_.store.path).value()->list_admins().value();
  }
  store::Admin admin(const std::string& name) const {
    for (store::Admin& each : admins())
      if (each.name == name) return each;
    ADD_FAILURE() << "there is no " << name;
    return {};
  }
  std::vector<audit::StoredRecord> records(const std::string& event) const {
    audit::Filter filter;
    filter.event = event;
    return audit::query(config_.audit.directory, filter).value();
  }
  void expect_nothing_changed() const {
    EXPECT_EQ(admins().size(), 1u);
    EXPECT_EQ(admins()[0].name, "admin");
    EXPECT_EQ(admins()[0].certificates.size(), 1u);
    EXPECT_TRUE(records("admin-recovered").empty());
  }

  const crypto::KeyPair key_ = crypto::generate_p256().value();
};

TEST_F(RecoverAdminTest, AppointsWhoHasTheKeyOfTheRequest) {
  auto done = recover_admin(config_, wanted("rescue"));
  ASSERT_TRUE(done) << done.error().message;
  const std::string pem = read_file(done->certificate, 1 << 16).value();
  const auto info = crypto::read_certificate(pem).value();
  EXPECT_THAT(info.uri_names, ElementsAre("nae://admin/rescue"))
      << "the name is that of the command, not of the request";
  EXPECT_EQ(info.spki, key_.spki);
  EXPECT_EQ(info.serial, done->serial);
  EXPECT_EQ(info.not_after_s, done->not_after_s);
  EXPECT_EQ(read_file(done->authority, 1 << 16).value(),
            read_file(config_.tls.client_authority, 1 << 16).value());
  // It is of this authority, and fits the key: TLS takes the three.
  write(directory_ / "rescue.key", as_text(key_.private_key_pem));
  fs::permissions(directory_ / "rescue.key", fs::perms::owner_read);
  EXPECT_TRUE(net::TlsContext::client(
      {done->certificate, directory_ / "rescue.key", done->authority}, {net::kAlpnHttp}));

  const store::Admin stored = admin("rescue");
  EXPECT_THAT(stored.roles, ElementsAre("auditor", "key-admin", "operator", "policy-admin"));
  EXPECT_EQ(stored.key_sha256, to_hex(crypto::sha256(key_.spki)));
  ASSERT_EQ(stored.certificates.size(), 1u);
  EXPECT_EQ(stored.certificates[0].serial, done->serial);
}

TEST_F(RecoverAdminTest, RecordsWhoDidItAndWhy) {
  auto done = recover_admin(config_, wanted("rescue"));
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_THAT(done->detail,
              StartsWith("by uid " + std::to_string(::getuid()) + ": the certificates expired; "));
  EXPECT_THAT(done->detail, HasSubstr("administrator rescue, new, roles auditor key-admin"));
  EXPECT_THAT(done->detail, HasSubstr("serial " + done->serial));
  const auto written = records("admin-recovered");
  ASSERT_EQ(written.size(), 1u);
  EXPECT_EQ(written[0].detail, done->detail);
  EXPECT_EQ(records("stopped").size(), 1u) << "the log is closed as a server closes it";
}

TEST_F(RecoverAdminTest, AsksForAReason) {
  Recovery recovery = wanted("rescue");
  for (const std::string& reason : {std::string(), std::string(setup::kMaxReasonBytes + 1, 'x'),
                                    std::string("\xff"), std::string("a\xc3")}) {
    recovery.reason = reason;
    EXPECT_EQ(refusal(recovery), Code::invalid_argument) << reason.size();
  }
  expect_nothing_changed();
  recovery.reason = std::string(setup::kMaxReasonBytes, 'x');
  EXPECT_TRUE(recover_admin(config_, recovery));
}

TEST_F(RecoverAdminTest, GivesOnlyTheRolesThatWereNamed) {
  Recovery recovery = wanted("rescue");
  recovery.roles = {"auditor", "root"};
  EXPECT_EQ(refusal(recovery), Code::invalid_argument);
  recovery.roles = {""};
  EXPECT_EQ(refusal(recovery), Code::invalid_argument);
  expect_nothing_changed();
  recovery.roles = {"operator", "auditor", "operator"};
  ASSERT_TRUE(recover_admin(config_, recovery));
  EXPECT_THAT(admin("rescue").roles, ElementsAre("auditor", "operator"));
}

TEST_F(RecoverAdminTest, RefusesNamesAndRequestsThatAreNone) {
  for (const char* name : {"", "a/../b", "a b", "\xc3\xa4", "nae://admin/a"})
    EXPECT_EQ(refusal({name, {}, request_of(key_), directory_ / "out", "why"}),
              Code::invalid_argument)
        << name;
  Recovery recovery = wanted("rescue");
  recovery.request = directory_ / "missing";
  EXPECT_EQ(refusal(recovery), Code::file_failed);
  recovery.request = config_.tls.certificate;
  EXPECT_FALSE(recover_admin(config_, recovery)) << "a certificate is no proof of a key";
  expect_nothing_changed();
  EXPECT_FALSE(fs::exists(recovery.out));
}

TEST_F(RecoverAdminTest, AnotherCertificateForAnAdministratorWhoIsThere) {
  ASSERT_TRUE(recover_admin(config_, wanted("rescue")));
  Recovery again = wanted("rescue");
  again.out = directory_ / "again";
  again.roles = {"auditor"};
  auto done = recover_admin(config_, again);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_THAT(done->detail, HasSubstr("rescue, as before, roles auditor key-admin operator"));
  EXPECT_EQ(admin("rescue").certificates.size(), 2u);
  EXPECT_EQ(admin("rescue").roles.size(), 4u) << "his roles are his";
}

TEST_F(RecoverAdminTest, TakesNobodysNameAndNobodysKey) {
  EXPECT_EQ(refusal(wanted("admin")), Code::conflict) << "the name belongs to another key";
  expect_nothing_changed();
  ASSERT_TRUE(recover_admin(config_, wanted("rescue")));
  EXPECT_EQ(refusal(wanted("second")), Code::conflict) << "the key is that of rescue";
  EXPECT_EQ(admins().size(), 2u);
  EXPECT_EQ(records("admin-recovered").size(), 1u);
}

TEST_F(RecoverAdminTest, NotWhereItsAnswerCannotBeKept) {
  Recovery recovery = wanted("rescue");
  fs::create_directory(recovery.out);
  write(recovery.out / "something", "precious");
  EXPECT_EQ(refusal(recovery), Code::file_failed);
  recovery.out = directory_ / "request.pem";
  EXPECT_EQ(refusal(recovery), Code::file_failed) << "a file";
  expect_nothing_changed();
}

TEST_F(RecoverAdminTest, NotBesideARunningServer) {
  {
    auto lock = audit::lock_directory(config_.audit.directory);
    ASSERT_TRUE(lock) << lock.error().message;
    EXPECT_EQ(refusal(wanted("rescue")), Code::conflict);
  }
  expect_nothing_changed();
  EXPECT_TRUE(recover_admin(config_, wanted("rescue")));
}

TEST_F(RecoverAdminTest, NotWithoutTheRecord) {
  ASSERT_TRUE(recover_admin(config_, wanted("rescue")));
  std::size_t changed = 0;
  for (const auto& entry : fs::directory_iterator(config_.audit.directory)) {
    std::string text = read_file(entry.path(), 1 << 20).value();
    const auto at = text.find("admin-recovered");
    if (at == std::string::npos) continue;
    write(entry.path(), text.replace(at, 5, "AdmiN"));
    ++changed;
  }
  ASSERT_EQ(changed, 1u);
  Recovery recovery{
      "second", {}, request_of(crypto::generate_p256().value()), directory_ / "second", "why"};
  EXPECT_EQ(refusal(recovery), Code::audit_broken);
  fs::rename(config_.audit.directory, directory_ / "away");
  EXPECT_FALSE(recover_admin(config_, recovery)) << "nor when there is none";
  EXPECT_EQ(admins().size(), 2u);
}

}  // namespace
}  // namespace nae::server

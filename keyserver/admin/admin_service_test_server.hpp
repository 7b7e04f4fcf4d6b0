// What the tests of the administration interface share: it on a real token, store and audit log.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>

#include "keyserver/admin/admin_service.hpp"
#include "keyserver/admin/api/json.hpp"
#include "keyserver/admin/key_scheduler.hpp"
#include "keyserver/admin/route.hpp"
#include "keyserver/admin/standing_reader.hpp"
#include "keyserver/audit/query.hpp"
#include "keyserver/hsm/test_token.hpp"
#include "keyserver/setup/authority.hpp"
#include "keyserver/store/sqlite/store.hpp"
#include "libnae/base/text.hpp"
#include "libnae/crypto/certificate.hpp"
#include "libnae/crypto/hash.hpp"
#include "libnae/crypto/secure_heap_test_environment.hpp"

namespace nae::admin {

using namespace std::chrono_literals;
using api::shown;

inline const auto* const kHeap = crypto::take_secure_heap_for_tests();

class AdminServiceTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    token_ = new hsm::TestToken;
    auto opened = hsm::Pkcs11Hsm::open(token_->options());
    ASSERT_TRUE(opened) << opened.error().message;
    hsm_ = new hsm::HsmQueue(std::move(*opened));
    authority_ = new std::string;
    auto authority = hsm_->call(
        [](keys::Hsm& hsm) { return setup::make_authority(hsm, "test", ::time(nullptr)); }, 5s);
    ASSERT_TRUE(authority) << authority.error().message;
    *authority_ = *authority;
  }
  static void TearDownTestSuite() {
    delete hsm_;
    delete token_;
    delete authority_;
  }

  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "nae-admin-XXXXXX").string();
    ASSERT_TRUE(::mkdtemp(name.data()));
    directory_ = name;
    std::filesystem::create_directory(directory_ / "audit");
    store_ = store::sqlite::Store::create(directory_ / "store.db").value();
    policy_ = policy::PolicyBook::open(*store_).value();
    devices_ = std::make_unique<protocols::CertificateRegister>(device_reader(*store_),
                                                                protocols::UnknownNames::admitted);
    admins_ = std::make_unique<protocols::CertificateRegister>(admin_reader(*store_),
                                                               protocols::UnknownNames::refused);
    ASSERT_TRUE(devices_->reload());
    audit::LogOptions options;
    options.directory = directory_ / "audit";
    options.sign = [](ByteView head) {
      return hsm_->call([owned = Bytes(head.begin(), head.end())](
                            keys::Hsm& hsm) { return hsm.sign_as(keys::ServerKey::audit, owned); },
                        5s);
    };
    audit_ = audit::Log::open(std::move(options)).value();
    settings_.software = "nae-keyserver test";
    settings_.node = "ks1";
    ring_ = std::make_unique<keys::KeyRing>(
        *store_, store_.get(), [](keys::HsmJob job) { return hsm_->call(std::move(job), 5s); },
        keys::RingOptions{.destroy_wait_us = 0});
    ASSERT_TRUE(ring_->load());
    for (AdminRole role : admin_roles())
      ASSERT_TRUE(add_admin(std::string(name_of(role)), {std::string(name_of(role))}));
    start_service({});
  }
  void start_service(ApprovalRules rules, Presences* presences = nullptr) {
    AdminParts parts{.keys = {*ring_, *working_keys_, *hsm_},
                     .policy = *policy_,
                     .store = {*store_},
                     .audit = {*audit_, directory_ / "audit"},
                     .certificates = {*devices_, *admins_, *authority_},
                     .metrics = metrics_,
                     .settings = settings_,
                     .clock = clock_,
                     .approval = {std::move(rules), presences},
                     .change = {.settle = [this] { return settle(); }}};
    parts_.emplace(parts);
    service_ = std::make_unique<AdminService>(parts);
  }
  void TearDown() override {
    service_.reset();
    audit_.reset();
    std::filesystem::remove_all(directory_);
  }

  KeyScheduler::Parts scheduler_parts() {
    return {parts_->keys, parts_->policy, parts_->audit.log, parts_->clock, parts_->change};
  }
  Result<void> settle() {
    ++settled_;
    if (!settles_) return fail(Code::timeout, "a thread does not answer");
    return {};
  }
  static std::string_view name_of(AdminRole role) { return admin::name(role); }
  static http::Peer peer(std::string name, net::PeerKind kind = net::PeerKind::admin) {
    std::string fingerprint = fingerprint_of(name);
    return {{kind, std::move(name), "01", std::move(fingerprint)}, "127.0.0.1:5000"};
  }
  static std::string fingerprint_of(const std::string& name) {
    return to_hex(crypto::sha256(as_bytes(name)));
  }
  // With a certificate of which only the fingerprint is real.
  Result<void> add_admin(const std::string& name, std::vector<std::string> roles) {
    std::sort(roles.begin(), roles.end());
    return store_->insert_admin({name,
                                 std::move(roles),
                                 1,
                                 fingerprint_of(name),
                                 {{fingerprint_of(name), "01", 1, INT64_MAX}}});
  }
  http::HttpResponse call(std::string_view who, std::string method, std::string target,
                          const json::object& body = {}) {
    return service_->serve(request(std::move(method), std::move(target), body),
                           peer(std::string(who)));
  }
  static http::HttpRequest request(std::string method, std::string target,
                                   const json::object& body = {}) {
    http::HttpRequest request{std::move(method), std::move(target), "", ""};
    if (!body.empty()) {
      request.content_type = "application/json";
      request.body = json::serialize(body);
    }
    return request;
  }
  static json::value parsed(const http::HttpResponse& response) {
    return json::parse(response.body);
  }
  static std::string code(const http::HttpResponse& response) {
    EXPECT_EQ(response.content_type, "application/problem+json") << response.body;
    EXPECT_EQ(shown(parsed(response), "status"), std::to_string(response.status));
    return shown(parsed(response), "code");
  }
  std::vector<audit::StoredRecord> records(std::string action) {
    audit::Filter filter;
    filter.action = std::move(action);
    return audit::query(directory_ / "audit", filter).value();
  }

  static inline hsm::TestToken* token_ = nullptr;
  static inline hsm::HsmQueue* hsm_ = nullptr;
  static inline std::string* authority_ = nullptr;
  std::filesystem::path directory_;
  std::unique_ptr<const crypto::GcmProvider> gcm_ = crypto::fastest_gcm();
  std::unique_ptr<keys::WorkingKeys> working_keys_ = std::make_unique<keys::WorkingKeys>(*gcm_);
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<policy::PolicyBook> policy_;
  std::unique_ptr<audit::Log> audit_;
  std::unique_ptr<keys::KeyRing> ring_;
  metrics::Metrics metrics_;
  std::unique_ptr<protocols::CertificateRegister> devices_;
  std::unique_ptr<protocols::CertificateRegister> admins_;
  operations::Settings settings_;
  std::int64_t wall_set_us_ = 0;  // what a test adds to the wall clock
  keys::TrustedTime clock_{{.wall_us = [this] { return unix_time_us() + wall_set_us_; }}};
  std::optional<AdminParts> parts_;
  std::unique_ptr<AdminService> service_;
  int settled_ = 0;
  bool settles_ = true;
};

}  // namespace nae::admin

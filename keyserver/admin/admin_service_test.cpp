// The administration interface on a real token, store and audit log.
#include <sys/stat.h>

#include <fstream>
#include <future>

#include "keyserver/admin/admin_service_test_server.hpp"
#include "keyserver/admin/api/time.hpp"
#include "keyserver/audit/archive.hpp"
#include "libnae/base/clock.hpp"

namespace nae::admin {
namespace {

using testing::HasSubstr;

constexpr char kPolicyText[] = R"(version = 1
[[device]]
name = "db1"
[[program]]
name = "postgres"
[[rule]]
name = "billing-reads"
roles = ["billing"]
keys = ["customer-*"]
actions = ["decrypt"]
result = "value"
)";

TEST_F(AdminServiceTest, EveryCallIsRefusedWithoutItsRole) {
  for (const Route& route : routes()) {
    std::string path(route.path);
    for (std::size_t at; (at = path.find("{}")) != std::string::npos;) path.replace(at, 2, "1");
    for (AdminRole role : admin_roles()) {
      if (route.any_of.contains(role)) continue;
      http::HttpResponse response = call(name_of(role), std::string(route.method), path);
      EXPECT_EQ(response.status, 403) << route.action << " as " << name_of(role);
      EXPECT_EQ(code(response), "admin_role_missing");
    }
    if (route.any_of.contains(AdminRole::auditor) && route.any_of.contains(AdminRole::operator_) &&
        route.any_of.contains(AdminRole::key_admin))
      continue;  // any role may
    auto refused = records(std::string(route.action));
    ASSERT_FALSE(refused.empty()) << route.action;
    EXPECT_EQ(refused.back().verdict, "deny");
    EXPECT_EQ(refused.back().reason, "admin_role_missing");
  }
}

TEST_F(AdminServiceTest, StrangersAndDevicesAreRefusedAndRecorded) {
  EXPECT_EQ(code(call("nobody", "GET", "/v1/keys")), "admin_role_missing");
  http::HttpRequest request{"GET", "/v1/keys", "", ""};
  // A device named like an administrator is no administrator.
  http::HttpResponse device = service_->serve(request, peer("auditor", net::PeerKind::device));
  EXPECT_EQ(code(device), "admin_role_missing");
  auto refused = records("unknown");
  ASSERT_EQ(refused.size(), 2u);
  EXPECT_EQ(refused[0].admin, "nobody");
  EXPECT_EQ(refused[1].admin, "device/auditor");
}

// Two of them would keep both threads from somebody who must restrict a key now.
TEST_F(AdminServiceTest, OneSearchOrProofOfTheLogAtATime) {
  std::promise<void> released;
  hsm_->submit([gone = released.get_future().share()](keys::Hsm&) { gone.wait(); });
  std::mutex mutex;
  std::vector<http::HttpResponse> answers;
  std::promise<void> first, both;
  for (int i = 0; i < 2; ++i)
    service_->dispatch({"GET", "/v1/audit/verify", "", ""}, peer("auditor"),
                       [&](http::HttpResponse response) {
                         std::lock_guard lock(mutex);
                         answers.push_back(std::move(response));
                         (answers.size() == 1 ? first : both).set_value();
                       });
  first.get_future().wait();
  released.set_value();
  both.get_future().wait();
  EXPECT_EQ(code(answers[0]), "overloaded");
  EXPECT_EQ(answers[1].status, 200u) << answers[1].body;
  EXPECT_EQ(call("auditor", "GET", "/v1/audit").status, 200u);
}

TEST_F(AdminServiceTest, ARemovedAdministratorIsOutAtOnce) {
  EXPECT_EQ(call("auditor", "GET", "/v1/keys").status, 200u);
  ASSERT_TRUE(store_->remove_admin(**store_->find_admin("auditor"), {0, 1}));
  EXPECT_EQ(call("auditor", "GET", "/v1/keys").status, 403u);
}

TEST_F(AdminServiceTest, WhatThereIsNot) {
  EXPECT_EQ(code(call("auditor", "GET", "/v2/keys")), "not_found");
  http::HttpResponse wrong = call("auditor", "DELETE", "/v1/keys");
  EXPECT_EQ(wrong.status, 405u);
  EXPECT_EQ(wrong.allow, "GET, POST, HEAD, OPTIONS");
  http::HttpResponse possible = call("auditor", "OPTIONS", "/v1/keys/a/rotate");
  EXPECT_EQ(possible.status, 200u);
  EXPECT_EQ(possible.allow, "POST, OPTIONS");
  EXPECT_EQ(possible.body, "");
  EXPECT_EQ(call("auditor", "OPTIONS", "/v2/keys").status, 404u);
  EXPECT_EQ(call("auditor", "GET", "/v1//keys").status, 400u);
  EXPECT_EQ(call("auditor", "GET", "/v1/keys?x=1").status, 400u);
}

TEST_F(AdminServiceTest, BodiesMustBeJsonAndSaySo) {
  http::HttpRequest request{"POST", "/v1/keys", "text/plain",
                            R"({"name":"a","type":"aes-256-gcm"})"};
  EXPECT_EQ(service_->serve(request, peer("key-admin")).status, 415u);
  request.content_type = "application/json; charset=utf-8";
  request.body = "{";
  EXPECT_EQ(service_->serve(request, peer("key-admin")).status, 400u);
  EXPECT_EQ(ring_->size(), 0u);
}

TEST_F(AdminServiceTest, PolicyIsAppliedShownAndTested) {
  EXPECT_EQ(code(call("auditor", "GET", "/v1/policy")), "not_found");
  http::HttpResponse applied =
      call("policy-admin", "PUT", "/v1/policy", {{"document", kPolicyText}, {"comment", "first"}});
  ASSERT_EQ(applied.status, 200u) << applied.body;
  EXPECT_EQ(shown(parsed(applied), "version"), "1");
  EXPECT_EQ(settled_, 1);
  json::value shown_policy = parsed(call("auditor", "GET", "/v1/policy?version=1"));
  EXPECT_EQ(shown(shown_policy, "document"), kPolicyText);
  EXPECT_EQ(shown(shown_policy, "applied_by"), "policy-admin");
  EXPECT_EQ(code(call("auditor", "GET", "/v1/policy?version=2")), "not_found");
  EXPECT_EQ(code(call("auditor", "GET", "/v1/policy?version=x")), "invalid_argument");

  json::object question{{"role", "billing"}, {"database", "shop"},  {"program", "postgres"},
                        {"device", "db1"},   {"action", "decrypt"}, {"key", "customer-pii"}};
  EXPECT_EQ(shown(parsed(call("auditor", "POST", "/v1/policy/test", question)), "rule"),
            "billing-reads");
  question["action"] = "encrypt";
  EXPECT_EQ(shown(parsed(call("auditor", "POST", "/v1/policy/test", question)), "allowed"),
            "false");
  question["action"] = "peek";
  EXPECT_EQ(code(call("auditor", "POST", "/v1/policy/test", question)), "invalid_argument");
}

// Who revokes must learn that an old answer may still leave; the new decision holds regardless.
TEST_F(AdminServiceTest, ARevocationThatDoesNotSettleIsAnErrorAndHolds) {
  settles_ = false;
  http::HttpResponse applied =
      call("policy-admin", "PUT", "/v1/policy", {{"document", kPolicyText}});
  EXPECT_EQ(code(applied), "timeout");
  EXPECT_EQ(policy_->snapshot()->number, 1u);
  EXPECT_EQ(records("policy-apply").back().reason, "timeout");
  EXPECT_EQ(settled_, 1);
}

TEST_F(AdminServiceTest, ADeniedTestNamesTheRuleThatCameClose) {
  std::string office = std::string(kPolicyText);
  office += "hours = [\"08:00-18:00\"]\ntime_zone = \"UTC\"\n";
  ASSERT_EQ(call("policy-admin", "PUT", "/v1/policy", {{"document", office}}).status, 200u);
  json::object question{{"role", "billing"},           {"database", "shop"},
                        {"program", "postgres"},       {"device", "db1"},
                        {"action", "decrypt"},         {"key", "customer-pii"},
                        {"at", "2026-01-31T17:59:59Z"}};
  json::value allowed = parsed(call("auditor", "POST", "/v1/policy/test", question));
  EXPECT_EQ(shown(allowed, "allowed"), "true");
  EXPECT_EQ(shown(allowed, "valid_until"), "2026-01-31T18:00:00.000000Z");
  question["at"] = "2026-01-31T18:00:00Z";
  json::value denied = parsed(call("auditor", "POST", "/v1/policy/test", question));
  EXPECT_EQ(shown(denied, "reason"), "no_rule");
  ASSERT_EQ(api::items(denied, "near").size(), 1u);
  EXPECT_EQ(shown(api::items(api::items(denied, "near").front(), "unmet").front(), "condition"),
            "weekdays, hours");

  for (auto [field, value] : {std::pair("at", "tomorrow"), std::pair("device_address", "db1"),
                              std::pair("user", "alice"), std::pair("issuer", "idp")}) {
    json::object wrong = question;
    wrong[field] = value;
    EXPECT_EQ(code(call("auditor", "POST", "/v1/policy/test", wrong)), "invalid_argument") << field;
  }
}

TEST_F(AdminServiceTest, PatternsOverRolesAreWarnedOf) {
  const std::string rule =
      "version = 1\n[[rule]]\nname = \"r\"\nroles = [\"app_*\"]\nkeys = [\"k\"]\n"
      "actions = [\"decrypt\"]\nresult = \"value\"\n";
  json::value compared = parsed(call("auditor", "POST", "/v1/policy/diff", {{"document", rule}}));
  json::value applied = parsed(call("policy-admin", "PUT", "/v1/policy", {{"document", rule}}));
  for (const json::value& answer : {compared, applied}) {
    ASSERT_EQ(api::items(answer, "warnings").size(), 1u);
    EXPECT_NE(json::value_to<std::string>(api::items(answer, "warnings").front()).find("app_*"),
              std::string::npos);
  }
  applied = parsed(call("policy-admin", "PUT", "/v1/policy", {{"document", kPolicyText}}));
  EXPECT_TRUE(api::items(applied, "warnings").empty()) << "names are what they are";
}

TEST_F(AdminServiceTest, ADifferenceIsSaidBeforeItIsMade) {
  json::value first =
      parsed(call("auditor", "POST", "/v1/policy/diff", {{"document", kPolicyText}}));
  ASSERT_EQ(api::items(first, "changes").size(), 1u);
  EXPECT_NE(shown(api::items(first, "changes").front(), "text").find("billing gains decrypt"),
            std::string::npos);
  EXPECT_EQ(policy_->snapshot()->number, 0u) << "nothing is applied";
  ASSERT_EQ(call("policy-admin", "PUT", "/v1/policy", {{"document", kPolicyText}}).status, 200u);
  ASSERT_EQ(call("policy-admin", "PUT", "/v1/policy", {{"document", "version = 1\n"}}).status,
            200u);
  json::value between =
      parsed(call("auditor", "POST", "/v1/policy/diff", {{"from", 1}, {"to", 2}}));
  ASSERT_EQ(api::items(between, "changes").size(), 1u);
  EXPECT_NE(shown(api::items(between, "changes").front(), "text").find("billing loses decrypt"),
            std::string::npos);
  EXPECT_TRUE(
      api::items(parsed(call("auditor", "POST", "/v1/policy/diff", {{"from", 2}})), "changes")
          .empty());
  EXPECT_EQ(code(call("auditor", "POST", "/v1/policy/diff", {{"from", 3}})), "not_found");
  EXPECT_EQ(code(call("auditor", "POST", "/v1/policy/diff", {{"document", "x"}})),
            "policy_invalid");
  EXPECT_EQ(code(call("auditor", "POST", "/v1/policy/diff", {{"document", "x"}, {"to", 1}})),
            "invalid_argument");
  EXPECT_EQ(code(call("operator", "POST", "/v1/policy/diff", {{"from", 1}})), "admin_role_missing");
}

TEST_F(AdminServiceTest, ABadPolicyChangesNothing) {
  http::HttpResponse refused =
      call("policy-admin", "PUT", "/v1/policy", {{"document", "version = 1\n[[rule]]\nx = 1\n"}});
  EXPECT_EQ(code(refused), "policy_invalid");
  EXPECT_EQ(policy_->snapshot()->number, 0u);
  EXPECT_EQ(settled_, 0);
}

TEST_F(AdminServiceTest, DevicesAreEnrolledByTheHsm) {
  crypto::KeyPair pair = crypto::generate_p256().value();
  std::string request = crypto::make_request(pair.private_key_pem, "anything").value();
  http::HttpResponse made = call("operator", "POST", "/v1/devices",
                                 {{"name", "db1"}, {"request", request}, {"valid_days", 30}});
  ASSERT_EQ(made.status, 201u) << made.body;
  crypto::CertificateInfo info =
      crypto::read_certificate(shown(parsed(made), "certificate")).value();
  // The name is the operator's, not the request's.
  EXPECT_EQ(info.uri_names, std::vector<std::string>{"nae://device/db1"});
  EXPECT_EQ(info.spki, pair.spki);
  EXPECT_EQ(store_->list_devices()->at(0).serial, info.serial);
  EXPECT_THAT(records("device-enroll").back().detail, HasSubstr(info.serial));

  auto refusal = [&](json::object body) {
    return code(call("operator", "POST", "/v1/devices", body));
  };
  EXPECT_EQ(refusal({{"name", "db 1"}, {"request", request}}), "invalid_argument");
  EXPECT_EQ(refusal({{"name", "db1"}, {"request", "nonsense"}}), "invalid_argument");
  EXPECT_EQ(refusal({{"name", "db1"}, {"request", request}, {"valid_days", 0}}),
            "invalid_argument");
  EXPECT_EQ(refusal({{"name", "db1"}, {"request", request}, {"valid_days", 3651}}),
            "invalid_argument");
}

// Whoever may enroll must not become a host that policy trusts already.
TEST_F(AdminServiceTest, ADevicesNameIsNotTakenOver) {
  auto request_of = [](const crypto::KeyPair& pair) {
    return crypto::make_request(pair.private_key_pem, "db1").value();
  };
  auto enroll = [&](const std::string& request) {
    return call("operator", "POST", "/v1/devices", {{"name", "db1"}, {"request", request}});
  };
  auto admitted = [&](const http::HttpResponse& made) {
    return devices_->admits({net::PeerKind::device, "db1", "", shown(parsed(made), "fingerprint")});
  };
  crypto::KeyPair hosts = crypto::generate_p256().value(), takers = crypto::generate_p256().value();
  http::HttpResponse first = enroll(request_of(hosts));
  ASSERT_EQ(first.status, 201u) << first.body;
  http::HttpResponse taken = enroll(request_of(takers));
  EXPECT_EQ(taken.status, 409u) << taken.body;
  EXPECT_EQ(code(taken), "conflict");
  EXPECT_THAT(shown(parsed(taken), "hint"), HasSubstr("remove the device"));
  EXPECT_THAT(taken.body, testing::Not(HasSubstr("BEGIN CERTIFICATE")));
  EXPECT_EQ(records("device-enroll").back().reason, "conflict");
  EXPECT_EQ(enroll(request_of(hosts)).status, 201u) << "renewal";
  EXPECT_TRUE(admitted(first)) << "the old certificate is good until it expires";

  EXPECT_EQ(code(call("operator", "DELETE", "/v1/devices/db2")), "not_found");
  http::HttpResponse removed = call("operator", "DELETE", "/v1/devices/db1");
  EXPECT_EQ(removed.status, 200u) << removed.body;
  EXPECT_EQ(records("device-remove").back().target, "db1");
  EXPECT_FALSE(admitted(first));
  EXPECT_EQ(code(call("operator", "DELETE", "/v1/devices/db1")), "not_found");
  http::HttpResponse second = enroll(request_of(takers));
  ASSERT_EQ(second.status, 201u) << second.body;
  EXPECT_TRUE(admitted(second));
  EXPECT_FALSE(admitted(first));
  json::value listed = parsed(call("auditor", "GET", "/v1/devices"));
  EXPECT_EQ(api::items(listed, "devices").size(), 3u);
  EXPECT_THAT(shown(api::items(listed, "devices")[0], "removed_at"), HasSubstr("T"));
}

TEST_F(AdminServiceTest, TheAuditLogIsSearchedAndProven) {
  call("auditor", "GET", "/v1/keys");
  json::value found = parsed(call("auditor", "GET", "/v1/audit?action=key-*&limit=5"));
  ASSERT_EQ(api::items(found, "records").size(), 1u);
  EXPECT_EQ(shown(api::items(found, "records")[0], "admin"), "auditor");
  for (const char* target :
       {"/v1/audit?limit=0", "/v1/audit?limit=10001", "/v1/audit?from=monday", "/v1/audit?rolle=x"})
    EXPECT_EQ(code(call("auditor", "GET", target)), "invalid_argument") << target;

  json::value proof = parsed(call("auditor", "GET", "/v1/audit/verify"));
  EXPECT_EQ(shown(proof, "intact"), "true");
  EXPECT_EQ(shown(proof, "signature_checked"), "true");
}

TEST_F(AdminServiceTest, TheAuditLogIsComparedWithWhatOthersHaveOfIt) {
  call("auditor", "GET", "/v1/keys");
  const auto line = audit::split_line(records("key-list").back().line);
  ASSERT_TRUE(line);
  auto asked = [&](std::uint64_t seq, const std::string& hash) {
    return call("auditor", "POST", "/v1/audit/compare",
                {{"records", {{{"seq", seq}, {"hash", hash}}}}});
  };
  json::value answer = parsed(asked(line->seq, to_hex(line->hash)));
  EXPECT_TRUE(api::items(answer, "absent").empty() && api::items(answer, "others").empty());
  answer = parsed(asked(line->seq, std::string(64, 'a')));
  ASSERT_EQ(api::items(answer, "others").size(), 1u);
  EXPECT_EQ(shown(api::items(answer, "others")[0], "hash"), to_hex(line->hash));
  answer = parsed(asked(1'000'000, std::string(64, 'a')));
  EXPECT_EQ(api::items(answer, "absent"), json::array{1'000'000});
  EXPECT_THAT(records("audit-compare").back().detail, HasSubstr("1 records; absent: 1, other: 0"));

  for (const auto& [seq, hash] : {std::pair{0, std::string(64, 'a')},
                                  {1, std::string(63, 'a')},
                                  {1, std::string(64, 'x')},
                                  {1, std::string()}})
    EXPECT_EQ(code(asked(static_cast<std::uint64_t>(seq), hash)), "invalid_argument") << hash;
  json::array many(1'000, json::object{{"seq", 1}, {"hash", std::string(64, 'a')}});
  EXPECT_EQ(call("auditor", "POST", "/v1/audit/compare", {{"records", many}}).status, 200u);
  many.push_back(many.back());
  for (const json::object& wrong :
       {json::object{{"records", many}}, json::object{{"records", "x"}}, json::object{},
        json::object{{"records", {1}}}, json::object{{"records", json::array()}, {"more", 1}},
        json::object{{"records", {{{"hash", std::string(64, 'a')}}}}}})
    EXPECT_EQ(code(call("auditor", "POST", "/v1/audit/compare", wrong)), "invalid_argument");
  EXPECT_EQ(code(call("operator", "POST", "/v1/audit/compare", {{"records", json::array()}})),
            "admin_role_missing");
}

// A segment that cannot be read on stands for one that takes long.
TEST_F(AdminServiceTest, AProofThatTakesLongIsAskedForAgain) {
  for (const char* wrong : {"0", "61", "soon", "-1"})
    EXPECT_EQ(code(call("auditor", "GET", "/v1/audit/verify?wait_s=" + std::string(wrong))),
              "invalid_argument")
        << wrong;
  const std::string target = "/v1/audit/verify?wait_s=1";
  EXPECT_EQ(shown(parsed(call("auditor", "GET", target)), "intact"), "true") << "it was soon there";
  const auto pipe = directory_ / "audit" / audit::segment_name(1'000'000);
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  json::value first = parsed(call("auditor", "GET", target));
  EXPECT_EQ(shown(first, "running"), "true");
  EXPECT_EQ(shown(first, "intact"), "");
  EXPECT_EQ(code(call("auditor", "GET", target + "&from=1")), "overloaded");
  EXPECT_EQ(shown(parsed(call("auditor", "GET", target)), "running"), "true");
  ASSERT_TRUE(std::ofstream(pipe).put('\n').good());  // goes on now, whenever it comes by
  json::value last = parsed(call("auditor", "GET", "/v1/audit/verify?wait_s=60"));
  EXPECT_EQ(shown(last, "intact"), "false") << "there is no such segment";
  std::filesystem::remove(pipe);
  const auto recorded = records("audit-verify");
  ASSERT_GE(recorded.size(), 3u);
  EXPECT_THAT(recorded[recorded.size() - 2].line, HasSubstr("goes on"));
  EXPECT_THAT(recorded.back().line, HasSubstr("not intact"));
}

TEST_F(AdminServiceTest, OldSegmentsOfTheAuditLogArePruned) {
  audit_.reset();
  audit::LogOptions options;
  options.directory = directory_ / "audit";
  options.segment_bytes = 3'000;
  options.sign = [](ByteView head) {
    return hsm_->call([owned = Bytes(head.begin(), head.end())](
                          keys::Hsm& hsm) { return hsm.sign_as(keys::ServerKey::audit, owned); },
                      5s);
  };
  audit_ = audit::Log::open(std::move(options)).value();
  start_service({});
  auto segments = [&] { return audit::list_segments(directory_ / "audit").value().size(); };
  const json::object body{{"before", api::format_time(unix_time_us())}};
  EXPECT_EQ(code(call("operator", "POST", "/v1/audit/prune", body)), "not_found");
  while (segments() < 5) {
    call("auditor", "GET", "/v1/keys");
    ASSERT_TRUE(audit_->sign_head());
  }
  for (const char* wrong : {"monday", "9999-01-01T00:00:00Z", ""})
    EXPECT_EQ(code(call("operator", "POST", "/v1/audit/prune", {{"before", wrong}})),
              "invalid_argument")
        << wrong;
  EXPECT_EQ(segments(), 5u);
  json::value pruned = parsed(
      call("operator", "POST", "/v1/audit/prune", {{"before", api::format_time(unix_time_us())}}));
  EXPECT_EQ(shown(pruned, "segments"), "3");
  const auto left = audit::list_segments(directory_ / "audit").value();
  EXPECT_GE(left.size(), 2u);
  EXPECT_EQ(std::to_string(left.front().first_seq - 1), shown(pruned, "archived_seq"));
  json::value proof = parsed(call("auditor", "GET", "/v1/audit/verify"));
  EXPECT_EQ(shown(proof, "intact"), "true");
  EXPECT_EQ(shown(proof, "archived_seq"), shown(pruned, "archived_seq"));
  auto recorded = records("audit-prune");
  ASSERT_FALSE(recorded.empty());
  EXPECT_EQ(recorded.back().verdict, "value");
  EXPECT_THAT(recorded.back().line, HasSubstr(shown(pruned, "archived_hash")));
  std::filesystem::remove(directory_ / "audit" / audit::kArchiveFile);
  EXPECT_EQ(shown(parsed(call("auditor", "GET", "/v1/audit/verify")), "intact"), "false");
}

TEST_F(AdminServiceTest, NothingChangesWhileTheAuditLogCannotBeWritten) {
  std::filesystem::remove_all(directory_ / "audit");
  (void)audit_->sign_head();  // notices
  http::HttpResponse refused =
      call("key-admin", "POST", "/v1/keys", {{"name", "a"}, {"type", "aes-256-gcm"}});
  EXPECT_EQ(code(refused), "audit_unavailable");
  EXPECT_EQ(ring_->size(), 0u);
  EXPECT_EQ(call("key-admin", "GET", "/readyz").status, 503u);
}

TEST_F(AdminServiceTest, HealthIsForEveryCertificate) {
  http::HttpRequest request{"GET", "/healthz", "", ""};
  EXPECT_EQ(service_->serve(request, peer("db1", net::PeerKind::device)).status, 200u);
  request.target = "/readyz";
  EXPECT_EQ(service_->serve(request, peer("db1", net::PeerKind::device)).status, 200u);
  request.target = "/metrics";
  http::HttpResponse metrics = service_->serve(request, peer("db1", net::PeerKind::device));
  EXPECT_THAT(metrics.body, HasSubstr("nae_admin_requests_total{verdict=\"refused\"} 0"));
  request.method = "POST";
  EXPECT_EQ(service_->serve(request, peer("db1", net::PeerKind::device)).status, 405u);
}

TEST_F(AdminServiceTest, StatusSaysWhoYouAre) {
  json::value status = parsed(call("auditor", "GET", "/v1/status"));
  EXPECT_EQ(shown(status, "ready"), "true");
  EXPECT_EQ(shown(status, "node"), "ks1") << "and which key server answers";
  EXPECT_EQ(shown(status, "admin"), "auditor");
  EXPECT_EQ(shown(status, "roles"), "auditor");
}

TEST_F(AdminServiceTest, CallsRunOnThreadsOfTheirOwn) {
  std::promise<std::pair<unsigned, std::thread::id>> answered;
  service_->dispatch({"GET", "/v1/keys", "", ""}, peer("auditor"),
                     [&](http::HttpResponse response) {
                       answered.set_value({response.status, std::this_thread::get_id()});
                     });
  auto [status, thread] = answered.get_future().get();
  EXPECT_EQ(status, 200u);
  EXPECT_NE(thread, std::this_thread::get_id());
}

}  // namespace
}  // namespace nae::admin

// What a key server answers that follows the one in charge of its group.
#include <gmock/gmock.h>

#include "keyserver/protocols/nae1/service_test_server.hpp"
#include "libnae/base/action_form.hpp"
#include "libnae/crypto/secure_heap_test_environment.hpp"

namespace nae::nae1 {
namespace {

using testing::Answer;
using testing::bytes_of;
using testing::must;
using testing::ServiceTestClient;
using testing::ServiceTestServer;

class FollowerTest : public ::testing::Test {
 protected:
  FollowerTest() {
    must(server_.ring().create("pii", KeyType::aes_256_gcm));
    must(server_.ring().create("ssn", KeyType::aes_256_siv));
    must(server_.ring().create("codes", KeyType::hmac_sha_256));
    must(server_.ring().create("sig", KeyType::ecdsa_p256));
    client_.open(1, "alice");
  }
  Answer ask(Action action, std::string_view key, const Bytes& item, std::uint8_t form = 0) {
    client_.ask(1, action, key, {item}, {}, form);
    return client_.answer();
  }

  ServiceTestServer server_;
  ServiceTestClient client_{server_};
};

TEST_F(FollowerTest, WhatIsCountedAsAUseIsLeftToTheOneInCharge) {
  const Bytes sealed = ask(Action::encrypt, "pii", bytes_of("value")).items.at(0);
  server_.follow();
  for (const auto& [action, key] :
       {std::pair{Action::encrypt, "pii"}, {Action::mac, "codes"}, {Action::sign, "sig"}}) {
    const Answer answer = ask(action, key, bytes_of("value"));
    EXPECT_EQ(answer.code(), Code::server_unavailable) << name(action);
    EXPECT_EQ(server_.records().back().reason, "server_unavailable");
  }
  EXPECT_EQ(ask(Action::rewrap, "", sealed).code(), Code::server_unavailable);
  for (const keys::KeyPointer& key : server_.ring().list())
    EXPECT_EQ(key->versions.back().usage->now().uses, key->name == "pii" ? 1 : 0) << key->name;
}

TEST_F(FollowerTest, WhatIsReadIsAnswered) {
  const Bytes sealed = ask(Action::encrypt, "pii", bytes_of("value")).items.at(0);
  server_.follow();
  EXPECT_EQ(ask(Action::decrypt, "", sealed).items.at(0), bytes_of("value"));
  EXPECT_EQ(ask(Action::random, "", Bytes{0, 0, 0, 8}).items.at(0).size(), 8u);
  const auto token = static_cast<std::uint8_t>(EncryptForm::search_token);
  EXPECT_EQ(ask(Action::encrypt, "ssn", bytes_of("value"), token).code(), Code{});
}

TEST_F(FollowerTest, WhatALimitIsChargedForIsLeftToTheOneInCharge) {
  const Bytes sealed = ask(Action::encrypt, "pii", bytes_of("value")).items.at(0);
  std::string limited(testing::kPolicyText);
  const std::string rule = "result = \"value\"\n";
  limited.replace(limited.find(rule), rule.size(), rule + "limits = [\"1000 per hour\"]\n");
  server_.apply(limited);
  EXPECT_EQ(ask(Action::decrypt, "", sealed).code(), Code{});
  server_.follow();
  EXPECT_EQ(ask(Action::decrypt, "", sealed).code(), Code::server_unavailable);
  server_.apply(testing::kPolicyText);
  EXPECT_EQ(ask(Action::decrypt, "", sealed).code(), Code{});
}

TEST_F(FollowerTest, WhoMayNotIsDeniedAndNotSentElsewhere) {
  const Bytes sealed = ask(Action::encrypt, "pii", bytes_of("value")).items.at(0);
  server_.follow();
  client_.open(2, "bob");
  client_.ask(2, Action::decrypt, "", {sealed});
  EXPECT_NE(client_.answer().code(), Code::server_unavailable);
}

}  // namespace
}  // namespace nae::nae1

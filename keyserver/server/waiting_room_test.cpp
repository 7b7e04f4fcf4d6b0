// The port of a key server that cannot start yet: it says why, to whoever its authority knows.
#include "keyserver/server/waiting_room.hpp"

#include <gmock/gmock.h>

#include <ctime>

#include "keyserver/server/hsm_options.hpp"
#include "keyserver/server/test_installation.hpp"
#include "keyserver/setup/authority.hpp"
#include "libnae/wire/hello.hpp"
#include "net/test_certificates.hpp"

namespace nae::server {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

[[maybe_unused]] const auto* const kHeap = crypto::take_secure_heap_for_tests();

const admin::StartFailure kHsmAway{admin::StartPart::hsm,
                                   Error(Code::hsm_unavailable, "the HSM sleeps", "Wake it.")};

class WaitingRoomTest : public InstallationTest {
 protected:
  std::unique_ptr<WaitingRoom> open() {
    auto room = WaitingRoom::open(config_, kHsmAway);
    EXPECT_TRUE(room) << room.error().message;
    return room ? std::move(*room) : nullptr;
  }
  // Of a host that was enrolled before the trouble.
  net::TlsFiles device_files() {
    setup::use_softhsm_configuration(config_.hsm.softhsm_configuration);
    auto hsm = hsm::Pkcs11Hsm::open(hsm_options(config_)).value();
    const auto authority = read_file(config_.tls.client_authority, 1 << 20).value();
    const crypto::KeyPair pair = crypto::generate_p256().value();
    const net::TlsFiles files{directory_ / "db1.pem", directory_ / "db1.key",
                              config_.tls.client_authority};
    write(files.certificate, setup::issue_client(*hsm, authority, "db1", "nae://device/db1",
                                                 pair.spki, ::time(nullptr), 1)
                                 .value());
    net::testing::write_file(files.key, as_text(pair.private_key_pem), 0600);
    return files;
  }
  std::string answer(const std::string& method, const std::string& path) {
    auto answer = ask(method, path);
    EXPECT_TRUE(answer) << answer.error().message;
    return answer.value_or("");
  }
};

TEST_F(WaitingRoomTest, LivesAndIsNotReady) {
  const auto room = open();
  ASSERT_TRUE(room);
  EXPECT_THAT(answer("GET", "/healthz"), StartsWith("HTTP/1.1 200 "));
  const std::string ready = answer("GET", "/readyz");
  EXPECT_THAT(ready, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(ready, HasSubstr("Retry-After: 1"));
  EXPECT_THAT(ready, HasSubstr(R"("store":{"ok":true)"));
  EXPECT_THAT(ready, HasSubstr(R"("hsm":{"ok":false,"problem":"the HSM sleeps"})"));
  EXPECT_THAT(ready, HasSubstr(R"("audit":{"ok":false,"problem":"it is not opened yet"})"));
  EXPECT_THAT(ready, HasSubstr(R"("ready":false)"));
}

TEST_F(WaitingRoomTest, RefusesEverythingElseWithTheFailure) {
  const auto room = open();
  ASSERT_TRUE(room);
  for (const auto& [method, path] :
       {std::pair("GET", "/v1/keys"), std::pair("POST", "/v1/keys/a/rotate"),
        std::pair("GET", "/metrics"), std::pair("POST", "/healthz"), std::pair("DELETE", "/readyz"),
        std::pair("GET", "/nowhere")}) {
    const std::string refused = answer(method, path);
    EXPECT_THAT(refused, StartsWith("HTTP/1.1 503 ")) << method << path;
    EXPECT_THAT(refused, HasSubstr("\"code\":\"hsm_unavailable\"")) << method << path;
    EXPECT_THAT(refused, HasSubstr("waits to start: the HSM sleeps")) << method << path;
  }
}

TEST_F(WaitingRoomTest, TellsTheNewestFailure) {
  const auto room = open();
  ASSERT_TRUE(room);
  room->tell({admin::StartPart::audit, Error(Code::audit_unavailable, "no room")});
  const std::string ready = answer("GET", "/readyz");
  EXPECT_THAT(ready, HasSubstr(R"("hsm":{"ok":true)"));
  EXPECT_THAT(ready, HasSubstr(R"("problem":"no room")"));
  EXPECT_THAT(ready, Not(HasSubstr("group"))) << "of a store of one's own there is none";
  room->tell({admin::StartPart::group, Error(Code::timeout, "ks2 has not said so")});
  const std::string alone = answer("GET", "/readyz");
  EXPECT_THAT(alone, HasSubstr(R"("audit":{"ok":true)"));
  EXPECT_THAT(alone, HasSubstr(R"("group":{"ok":false,"problem":"ks2 has not said so"})"));
}

TEST_F(WaitingRoomTest, LeavesThePortFree) {
  open().reset();
  EXPECT_FALSE(ask("GET", "/healthz")) << "nobody listens";
  const auto room = open();
  ASSERT_TRUE(room);
  EXPECT_EQ(WaitingRoom::open(config_, kHsmAway).error().code, Code::conflict) << "one at a time";
  EXPECT_THAT(answer("GET", "/healthz"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(WaitingRoomTest, KnowsOnlyItsOwnAuthority) {
  const auto room = open();
  ASSERT_TRUE(room);
  net::testing::TemporaryDirectory stranger;
  net::testing::TestAuthority other(stranger, "other");
  auto files = other.issue(net::testing::TestAuthority::device("db1"));
  files.authority = config_.tls.client_authority;
  const auto context = net::TlsContext::client(files).value();
  // TLS 1.3: the client hears of a refusal at its first read.
  auto client = net::testing::BlockingClient::connect_tls(context, config_.server.port);
  Bytes byte(1);
  EXPECT_TRUE(!client || !client->read_some(byte));
}

// The connection ends then.
TEST_F(WaitingRoomTest, AnAgentsHelloIsAnsweredWithTheFailure) {
  const net::TlsFiles files = device_files();
  const auto room = open();
  ASSERT_TRUE(room);
  const auto context = net::TlsContext::client(files);
  ASSERT_TRUE(context) << context.error().message;
  auto client = net::testing::BlockingClient::connect_tls(*context, config_.server.port);
  ASSERT_TRUE(client) << client.error().message;
  Bytes hello;
  wire::append_hello(hello, 1, {});
  ASSERT_TRUE(client->write(hello));
  std::string answer;
  Bytes room_for(4096);
  Result<std::size_t> got = 0;
  while ((got = client->read_some(room_for))) answer += as_text(ByteView(room_for).first(*got));
  EXPECT_EQ(got.error().code, Code::connection_lost);
  EXPECT_THAT(answer, HasSubstr("it waits to start: the HSM sleeps"));
}

TEST_F(WaitingRoomTest, AnAdministratorIsNoAgent) {
  const auto room = open();
  ASSERT_TRUE(room);
  const std::filesystem::path admin = directory_ / "server/admin";
  const auto as_admin =
      net::TlsContext::client({admin / "admin.pem", admin / "admin.key", admin / "authority.pem"});
  auto client =
      net::testing::BlockingClient::connect_tls(as_admin.value(), config_.server.port).value();
  Bytes hello;
  wire::append_hello(hello, 1, {});
  Bytes byte(1);
  EXPECT_TRUE(!client.write(hello) || !client.read_some(byte));
}

TEST_F(WaitingRoomTest, NeedsItsCertificate) {
  config_.tls.key = directory_ / "nothing.key";
  EXPECT_EQ(WaitingRoom::open(config_, kHsmAway).error().code, Code::file_failed);
}

TEST_F(WaitingRoomTest, AReloadThatFailsKeepsTheCertificate) {
  const auto room = open();
  ASSERT_TRUE(room);
  config::Config bad = config_;
  bad.tls.certificate = directory_ / "nothing.pem";
  room->reload(bad);
  EXPECT_THAT(answer("GET", "/healthz"), StartsWith("HTTP/1.1 200 "));
  room->reload(config_);
  EXPECT_THAT(answer("GET", "/healthz"), StartsWith("HTTP/1.1 200 "));
}

}  // namespace
}  // namespace nae::server

// Authentication ends: with the certificate, with its authority, and with a connection's admission.
#include "libnae/base/test_eventually.hpp"
#include "net/test_echo_server.hpp"
#include "net/tls_stream.hpp"

namespace nae::net {
namespace {

using namespace testing;

class PeerValidityTest : public ListenerTest {
 protected:
  static crypto::CertificateTemplate until(crypto::CertificateTemplate wanted, std::int64_t end_s) {
    wanted.not_after_s = end_s;
    return wanted;
  }
  TlsContext trusting(const TestAuthority& authority) {
    TlsFiles files = ours_.issue(TestAuthority::server());
    files.authority = authority.file();
    return must(TlsContext::server(files));
  }
  static bool echoes(BlockingClient& client) {
    if (!client.write(as_bytes("y"))) return false;
    auto answer = client.read(1);
    return answer && as_text(*answer) == "y";
  }
};

TEST_F(PeerValidityTest, AConnectionEndsWithItsCertificate) {
  auto port = listen();
  auto lasting = must(BlockingClient::connect_tls(device_context(), port));
  const std::int64_t end_s = unix_time_s() + 2;
  auto context = must(TlsContext::client(ours_.issue(until(TestAuthority::device("db1"), end_s))));
  auto client = must(BlockingClient::connect_tls(context, port));
  EXPECT_TRUE(echoes(client));
  EXPECT_EQ(client.read(1).error().message, "closed") << "in order, without a word from the client";
  EXPECT_GT(unix_time_s(), end_s);
  EXPECT_TRUE(echoes(lasting));
}

// What it says in its last second is served; what comes later is not, however busy it keeps.
TEST_F(PeerValidityTest, ABusyConnectionEndsToo) {
  auto port = listen();
  const std::int64_t end_s = unix_time_s() + 2;
  auto context = must(TlsContext::client(ours_.issue(until(TestAuthority::device("db1"), end_s))));
  auto client = must(BlockingClient::connect_tls(context, port));
  while (echoes(client)) ASSERT_LE(unix_time_s(), end_s + 1);
  EXPECT_GT(unix_time_s(), end_s);
}

TEST_F(PeerValidityTest, TheAuthoritysEndCountsAsWell) {
  TestAuthority brief(directory_, "brief", unix_time_s() + 2);
  TlsFiles files = ours_.issue(TestAuthority::server());
  files.authority = brief.file();
  auto port = listen(files);
  TlsFiles device = brief.issue(TestAuthority::device("db1"));
  device.authority = ours_.file();
  auto client = must(BlockingClient::connect_tls(must(TlsContext::client(device)), port));
  EXPECT_TRUE(echoes(client));
  EXPECT_EQ(client.read(1).error().message, "closed");
}

TEST_F(PeerValidityTest, OtherAuthoritiesEndConnections) {
  auto port = listen();
  auto before = must(BlockingClient::connect_tls(device_context(), port));
  EXPECT_TRUE(echoes(before));
  listener_->replace_context(trusting(ours_));
  EXPECT_TRUE(echoes(before)) << "the same authority, loaded again";
  listener_->replace_context(trusting(foreign_));
  EXPECT_EQ(before.read(1).error().message, "closed");
}

TEST_F(PeerValidityTest, AHandshakeUnderWayIsVerifiedByTheNewAuthorities) {
  auto port = listen();
  auto slow = must(BlockingClient::connect_tcp(port));
  ASSERT_TRUE(eventually([&] { return listener_->connections() >= 1; }));
  listener_->replace_context(trusting(foreign_));
  auto stream = must(TlsStream::connect(device_context(), slow.descriptor(), "127.0.0.1"));
  ASSERT_EQ(stream->handshake().state, IoState::done) << "TLS 1.3: the client is through first";
  (void)stream->write_some(as_bytes("y"));
  Byte byte[1];
  EXPECT_NE(stream->read_some(byte).state, IoState::done);
  EXPECT_EQ(controls_.closed, 0) << "no protocol was made for it";
}

}  // namespace
}  // namespace nae::net

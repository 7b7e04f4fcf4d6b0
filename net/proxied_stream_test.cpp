// A listener behind a balancer: who may say where a client comes from, and what becomes of the
// rest.
#include "net/proxied_stream.hpp"

#include "libnae/base/test_eventually.hpp"
#include "net/test_echo_server.hpp"
#include "net/tls_stream.hpp"

namespace nae::net {
namespace {

using namespace testing;

// "192.0.2.1:50312" over IPv4, or the balancer's own.
Bytes header(bool local = false, std::size_t length = 12) {
  Bytes bytes{0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};
  bytes.push_back(local ? 0x20 : 0x21);
  bytes.push_back(local ? 0x00 : 0x11);
  bytes.push_back(static_cast<Byte>(length >> 8));
  bytes.push_back(static_cast<Byte>(length));
  for (int byte : {192, 0, 2, 1, 10, 0, 0, 1, 0xc4, 0x88, 0x1d, 0x13})
    bytes.push_back(static_cast<Byte>(byte));
  bytes.resize(kProxyFixedBytes + length);
  return bytes;
}

class ProxiedStreamTest : public ListenerTest {
 protected:
  std::uint16_t listen_behind(bool trusted, std::chrono::milliseconds handshake_timeout = 10s) {
    TlsListenerOptions options;
    options.limits.handshake_timeout = handshake_timeout;
    options.writes_proxy_header = [this, trusted](std::string_view remote_address) {
      const std::string address(remote_address);
      std::lock_guard lock(mutex_);
      asked_ = address;
      return trusted;
    };
    listener_ =
        must(listen_tls(workers_, must(TlsContext::server(ours_.issue(TestAuthority::server()))),
                        {{kAlpnNae,
                          [this](Connection& connection) {
                            std::lock_guard lock(mutex_);
                            address_ = connection.remote_address();
                            return std::make_unique<Echo>(connection, controls_);
                          }}},
                        options));
    return listener_->port();
  }
  std::string address() {
    std::lock_guard lock(mutex_);
    return address_;
  }
  static void send(const BlockingClient& client, ByteView bytes) {
    ASSERT_EQ(::send(client.descriptor(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  // What an echo over TLS answers, or why there is none.
  std::string echo_over(const BlockingClient& client) {
    auto stream = must(TlsStream::connect(device_context(), client.descriptor(), "127.0.0.1"));
    if (stream->handshake().state != IoState::done) return stream->error().message;
    if (stream->write_some(as_bytes("hello")).state != IoState::done) return "not written";
    Byte space[16];
    const Io io = stream->read_some(space);
    return io.state == IoState::done ? std::string(as_text(ByteView(space, io.bytes)))
                                     : "not read: " + stream->error().message;
  }
  bool is_closed(const BlockingClient& client) {
    char byte;
    ssize_t got = 1;
    while (got > 0) got = ::recv(client.descriptor(), &byte, 1, 0);
    return got == 0 || errno == ECONNRESET;
  }

  std::string asked_, address_;
};

TEST_F(ProxiedStreamTest, ABalancersClientHasItsOwnAddress) {
  const auto port = listen_behind(true);
  auto client = must(BlockingClient::connect_tcp(port));
  send(client, header());
  EXPECT_EQ(echo_over(client), "hello");
  EXPECT_EQ(address(), "192.0.2.1:50312");
  EXPECT_THAT(asked_, ::testing::StartsWith("127.0.0.1:"));
}

TEST_F(ProxiedStreamTest, AHeaderMayComeByteByByteAndWithMore) {
  const auto port = listen_behind(true);
  auto client = must(BlockingClient::connect_tcp(port));
  const Bytes whole = header(false, 300);
  for (const Byte& byte : whole) send(client, {&byte, 1});
  EXPECT_EQ(echo_over(client), "hello");
  EXPECT_EQ(address(), "192.0.2.1:50312");
}

TEST_F(ProxiedStreamTest, TheBalancerItselfKeepsItsAddress) {
  const auto port = listen_behind(true);
  auto client = must(BlockingClient::connect_tcp(port));
  send(client, header(true, 0));
  EXPECT_EQ(echo_over(client), "hello");
  EXPECT_THAT(address(), ::testing::StartsWith("127.0.0.1:"));
}

// Else whoever reaches the port says from where he comes.
TEST_F(ProxiedStreamTest, AHeaderOfAnybodyElseIsRefused) {
  const auto port = listen_behind(false);
  auto client = must(BlockingClient::connect_tcp(port));
  send(client, header());
  EXPECT_NE(echo_over(client), "hello");
  EXPECT_EQ(address(), "");
  auto plain = must(BlockingClient::connect_tcp(port));
  EXPECT_EQ(echo_over(plain), "hello");
  EXPECT_THAT(address(), ::testing::StartsWith("127.0.0.1:"));
}

TEST_F(ProxiedStreamTest, ABalancerThatWritesNoneIsRefused) {
  const auto port = listen_behind(true);
  auto client = must(BlockingClient::connect_tcp(port));
  EXPECT_NE(echo_over(client), "hello");
  EXPECT_EQ(address(), "");
}

TEST_F(ProxiedStreamTest, AMalformedOrOversizedHeaderEndsTheConnectionAtOnce) {
  const auto port = listen_behind(true);
  Bytes other_version = header();
  other_version[12] = 0x11;
  for (const Bytes& wrong : {other_version, header(false, 1'009), header(false, 0xffff)}) {
    auto client = must(BlockingClient::connect_tcp(port));
    send(client, ByteView(wrong).first(kProxyFixedBytes));
    EXPECT_TRUE(is_closed(client));
  }
  EXPECT_EQ(address(), "");
  EXPECT_TRUE(eventually([&] { return listener_->connections() == 0; }));
}

TEST_F(ProxiedStreamTest, ALateHeaderEndsWithTheHandshakesTime) {
  const auto port = listen_behind(true, 300ms);
  const Bytes whole = header();
  for (std::size_t size : {std::size_t{0}, std::size_t{15}, std::size_t{16}, whole.size() - 1}) {
    auto client = must(BlockingClient::connect_tcp(port));
    send(client, ByteView(whole).first(size));
    EXPECT_TRUE(is_closed(client)) << size;
  }
  EXPECT_EQ(address(), "");
}

}  // namespace
}  // namespace nae::net

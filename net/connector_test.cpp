// Connectors and Unix listeners.
#include "net/connector.hpp"

#include "net/test_echo_server.hpp"

namespace nae::net {
namespace {

using namespace testing;

class ConnectorTest : public ListenerTest {
 protected:
  // The reason that one attempt ends with.
  Error attempt(const Endpoint& endpoint, const TlsContext& context,
                const ConnectionLimits& limits = {}) {
    boost::asio::io_context loop;
    Error ended;
    auto handle = connect_tls(
        loop, context, endpoint, limits,
        [this](Connection& connection) {
          opened_ = true;
          connection.output().push_back('Q');
          return std::make_unique<Echo>(connection, controls_);
        },
        [&](const Error& reason) { ended = reason; });
    loop.run();
    return ended;
  }
  bool opened_ = false;
};

TEST_F(ConnectorTest, OpensAndReportsTheEnd) {
  Error ended = attempt({"localhost", listen()}, device_context());
  EXPECT_TRUE(opened_);
  EXPECT_THAT(ended.message, HasSubstr("the server closed the connection"));
}

TEST_F(ConnectorTest, NamesWhatFailed) {
  auto port = listen();
  auto context = device_context();
  EXPECT_EQ(attempt({"127.0.0.1", 1}, context).code, Code::server_unavailable);
  EXPECT_EQ(attempt({"nothing.invalid", port}, context).code, Code::server_unavailable);
  TlsFiles foreign = foreign_.issue(TestAuthority::device("db1"));
  EXPECT_EQ(attempt({"127.0.0.1", port}, must(TlsContext::client(foreign))).code,
            Code::certificate_rejected);
  EXPECT_FALSE(opened_);
}

TEST_F(ConnectorTest, GivesUpOnServersThatStaySilent) {
  int silent = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(silent, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(silent, 1), 0);
  ::getsockname(silent, reinterpret_cast<sockaddr*>(&address), &size);
  ConnectionLimits limits;
  limits.handshake_timeout = 200ms;
  EXPECT_EQ(attempt({"127.0.0.1", ntohs(address.sin_port)}, device_context(), limits).code,
            Code::timeout);
  ::close(silent);
}

TEST(Endpoint, ReadsAndRefuses) {
  EXPECT_EQ(must(parse_endpoint("a.example:4433")), (Endpoint{"a.example", 4433}));
  EXPECT_EQ(must(parse_endpoint("[::1]:1")), (Endpoint{"::1", 1}));
  EXPECT_EQ(to_string(Endpoint{"::1", 1}), "[::1]:1");
  for (const char* bad : {"", "a", "a:", ":1", "a:0", "a:65536", "a:1x", "::1:1", "[]:1", "a:-1"})
    EXPECT_FALSE(parse_endpoint(bad)) << bad;
}

class UnixListenerTest : public ListenerTest {
 protected:
  Result<std::unique_ptr<Listener>> listen_at(const std::string& path, unsigned mode = 0600) {
    UnixListenerOptions options;
    options.path = path;
    options.mode = mode;
    return listen_unix(workers_.loop(0), factory(), options);
  }
};

TEST_F(UnixListenerTest, EchoesUnderTheWantedMode) {
  std::string path = directory_ / "s";
  listener_ = must(listen_at(path, 0620));
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0620u);
  auto client = must(BlockingClient::connect_unix(path));
  ASSERT_TRUE(client.write(as_bytes("S2000000;")));
  EXPECT_EQ(must(client.read(2'000'000)).size(), 2'000'000u);
  EXPECT_EQ(listener_->stop(1s), 0u);
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(UnixListenerTest, ReplacesStaleSocketsOnly) {
  std::string path = directory_ / "s";
  int dead = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, path.size());
  ASSERT_EQ(::bind(dead, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ::close(dead);
  listener_ = must(listen_at(path));
  EXPECT_EQ(listen_at(path).error().code, Code::conflict);
  EXPECT_TRUE(BlockingClient::connect_unix(path));
  testing::write_file(directory_ / "file", "precious", 0600);
  EXPECT_EQ(listen_at(directory_ / "file").error().code, Code::conflict);
  EXPECT_EQ(listen_at(std::string(108, 'x')).error().code, Code::config_invalid);
  EXPECT_EQ(listen_at("").error().code, Code::config_invalid);
}

}  // namespace
}  // namespace nae::net

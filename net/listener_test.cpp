// Listeners, connections and TLS rules, over real sockets and certificates.
#include "net/listener.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/resource.h>

#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <future>

#include "net/blocking_client.hpp"
#include "net/connector.hpp"
#include "net/test_certificates.hpp"

namespace nae::net {
namespace {

using namespace std::chrono_literals;
using testing::BlockingClient;
using ::testing::HasSubstr;
using testing::must;
using testing::TemporaryDirectory;
using testing::TestAuthority;
using testing::unix_time_s;

// Sends back what comes. "S<n>;" asks for n bytes; "W" for an answer that begins only when the test
// says so; "Q" ends the connection; "X" finds no memory, or a moment later with "XX".
class Echo final : public Protocol {
 public:
  struct Controls {
    std::atomic<int> closed = 0;
    std::atomic<int> shut_down = 0;
    std::promise<std::shared_ptr<Connection>> waiting;
  };
  Echo(Connection& connection, Controls& controls) : connection_(connection), controls_(controls) {}

  ByteSpan receive_space() override { return space_; }
  bool received(std::size_t bytes) override {
    ByteView in(space_, bytes);
    Bytes& out = connection_.output();
    if (in[0] == 'S') {
      out.resize(out.size() + std::stoul(std::string(as_text(in.subspan(1)))), 'x');
    } else if (in[0] == 'W') {
      waiting_ = true;
      controls_.waiting.set_value(connection_.shared_from_this());
    } else if (as_text(in) == "XX") {
      connection_.post([](Connection&) { throw std::bad_alloc(); });
    } else if (in[0] == 'X') {
      throw std::bad_alloc();
    } else {
      out.insert(out.end(), in.begin(), in.end());
    }
    return in[0] != 'Q';
  }
  void begin_shutdown() override { ++controls_.shut_down; }
  bool busy() const override { return waiting_; }
  void closed(const Error&) override { ++controls_.closed; }

  void answer() {
    waiting_ = false;
    connection_.output().push_back('w');
    connection_.flush();
  }

 private:
  Connection& connection_;
  Controls& controls_;
  Byte space_[16 << 10];
  bool waiting_ = false;
};

class ListenerTest : public ::testing::Test {
 protected:
  ListenerTest() { std::signal(SIGPIPE, SIG_IGN); }
  ~ListenerTest() override {
    if (listener_) listener_->stop(2s);
  }

  std::uint16_t listen(const TlsFiles& files, TlsListenerOptions options = {}) {
    listener_ = must(listen_tls(workers_, must(TlsContext::server(files)),
                                {{kAlpnNae, factory()}, {kAlpnHttp, factory()}}, options));
    return listener_->port();
  }
  std::uint16_t listen(TlsListenerOptions options = {}) {
    return listen(ours_.issue(TestAuthority::server()), options);
  }
  ProtocolFactory factory() {
    return [this](Connection& connection) {
      {
        std::lock_guard lock(mutex_);
        seen_ = connection.peer();
      }
      auto echo = std::make_unique<Echo>(connection, controls_);
      echo_ = echo.get();
      return echo;
    };
  }
  PeerIdentity seen() {
    std::lock_guard lock(mutex_);
    return seen_;
  }
  TlsContext device_context() {
    return must(TlsContext::client(ours_.issue(TestAuthority::device("db1"))));
  }

  // In TLS 1.3 a client learns what the server thinks of its certificate when it first reads.
  Error refusal(const TlsContext& context, std::uint16_t port) {
    auto client = BlockingClient::connect_tls(context, port);
    if (!client) return client.error();
    auto answer = client->read(1);
    return answer ? Error(Code::internal, "was let in") : answer.error();
  }

  TemporaryDirectory directory_;
  TestAuthority ours_{directory_, "ours"};
  TestAuthority foreign_{directory_, "foreign"};
  Echo::Controls controls_;
  std::mutex mutex_;
  PeerIdentity seen_;
  std::atomic<Echo*> echo_ = nullptr;
  WorkerThreads workers_{2, "test"};
  std::unique_ptr<Listener> listener_;
};

TEST_F(ListenerTest, EchoesAndKnowsTheDevice) {
  auto client = must(BlockingClient::connect_tls(device_context(), listen()));
  ASSERT_TRUE(client.write(as_bytes("hello")));
  EXPECT_EQ(as_text(must(client.read(5))), "hello");
  EXPECT_EQ(seen().kind, PeerKind::device);
  EXPECT_EQ(seen().name, "db1");
  EXPECT_EQ(seen().fingerprint_hex.size(), 64u);
  EXPECT_FALSE(seen().serial_hex.empty());
  EXPECT_EQ(client.stream().peer().kind, PeerKind::server);
}

TEST_F(ListenerTest, RefusesDeviceOfAnotherAuthority) {
  TlsFiles files = foreign_.issue(TestAuthority::device("db1"));
  files.authority = ours_.file();
  Error error = refusal(must(TlsContext::client(files)), listen());
  EXPECT_EQ(error.code, Code::certificate_rejected) << error.message;
  EXPECT_THAT(error.message, HasSubstr("does not trust the authority"));
}

TEST_F(ListenerTest, RefusesServerOfAnotherAuthority) {
  TlsFiles files = foreign_.issue(TestAuthority::server());
  files.authority = ours_.file();
  Error error = refusal(device_context(), listen(files));
  EXPECT_EQ(error.code, Code::certificate_rejected) << error.message;
  EXPECT_THAT(error.message, HasSubstr("unable to get local issuer certificate"));
}

TEST_F(ListenerTest, RefusesExpiredDevice) {
  auto wanted = TestAuthority::device("db1");
  wanted.not_after_s = unix_time_s() - 10;
  Error error = refusal(must(TlsContext::client(ours_.issue(wanted))), listen());
  EXPECT_EQ(error.code, Code::certificate_rejected);
  EXPECT_THAT(error.message, HasSubstr("has expired"));
}

TEST_F(ListenerTest, RefusesExpiredAndFutureServers) {
  auto wanted = TestAuthority::server();
  wanted.not_after_s = unix_time_s() - 10;
  EXPECT_THAT(refusal(device_context(), listen(ours_.issue(wanted))).message,
              HasSubstr("certificate has expired"));
  listener_->stop(1s);
  wanted = TestAuthority::server();
  wanted.not_before_s = unix_time_s() + 600;
  EXPECT_THAT(refusal(device_context(), listen(ours_.issue(wanted))).message,
              HasSubstr("not yet valid"));
}

TEST_F(ListenerTest, RefusesServerOfAnotherName) {
  auto context = device_context();
  auto port = listen();
  auto client = BlockingClient::connect_tls(context, port, "keys.example");
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error().code, Code::certificate_rejected);
  EXPECT_THAT(client.error().message, HasSubstr("hostname mismatch"));
  EXPECT_THAT(BlockingClient::connect_tls(context, port, "127.0.0.2").error().message,
              HasSubstr("IP address mismatch"));
  EXPECT_TRUE(BlockingClient::connect_tls(context, port, "localhost"));
  EXPECT_FALSE(BlockingClient::connect_tls(context, port, ""));
}

TEST_F(ListenerTest, RefusesCertificateOfTheWrongUsage) {
  auto server_as_device = TestAuthority::server();
  server_as_device.uri_names = {"nae://device/db1"};
  auto port = listen();
  EXPECT_EQ(refusal(must(TlsContext::client(ours_.issue(server_as_device))), port).code,
            Code::certificate_rejected);
  listener_->stop(1s);
  auto device_as_server = TestAuthority::device("db1");
  device_as_server.ip_names = {"127.0.0.1"};
  EXPECT_EQ(refusal(device_context(), listen(ours_.issue(device_as_server))).code,
            Code::certificate_rejected);
}

TEST_F(ListenerTest, RefusesNoneSeveralAndOddIdentities) {
  auto port = listen();
  std::vector<std::vector<std::string>> refused = {{},
                                                   {"nae://device/a", "nae://admin/b"},
                                                   {"nae://device/a", "nae://device/a"},
                                                   {"nae://device/"},
                                                   {"nae://device/a/b"},
                                                   {"nae://root/a"},
                                                   {"https://device/a"}};
  for (const auto& names : refused) {
    auto wanted = TestAuthority::device("db1");
    wanted.uri_names = names;
    Error error = refusal(must(TlsContext::client(ours_.issue(wanted))), port);
    EXPECT_THAT(error.message, HasSubstr("refused the handshake")) << names.size();
  }
  auto admin = TestAuthority::dated("carol", crypto::CertificateUsage::client);
  admin.uri_names = {"https://example.org/", "nae://admin/carol"};
  auto client =
      must(BlockingClient::connect_tls(must(TlsContext::client(ours_.issue(admin))), port));
  ASSERT_TRUE(client.write(as_bytes("x")));
  must(client.read(1));
  EXPECT_EQ(seen().kind, PeerKind::admin);
}

// A client made of plain OpenSSL, to break rules that TlsContext cannot break.
class RawTls {
 public:
  RawTls() : context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free) {}
  SSL_CTX* context() { return context_.get(); }
  // The alert that ended the connection, or 0 when the server talks to us.
  int alert(std::uint16_t port, bool with_alpn) {
    auto client = must(BlockingClient::connect_tcp(port));
    std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context()), SSL_free);
    SSL_set_fd(ssl.get(), client.descriptor());
    const unsigned char alpn[] = "\x05nae/1";
    if (with_alpn) SSL_set_alpn_protos(ssl.get(), alpn, 6);
    static thread_local int alert_number;
    alert_number = 0;
    SSL_set_info_callback(ssl.get(), [](const SSL*, int where, int value) {
      if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT && value >> 8 == 2)
        alert_number = value & 255;
    });
    char byte = 'x';
    if (SSL_connect(ssl.get()) == 1 && SSL_write(ssl.get(), &byte, 1) == 1)
      SSL_read(ssl.get(), &byte, 1);
    return alert_number;
  }
  void use(const TlsFiles& files) {
    SSL_CTX_use_certificate_chain_file(context(), files.certificate.c_str());
    SSL_CTX_use_PrivateKey_file(context(), files.key.c_str(), SSL_FILETYPE_PEM);
  }

 private:
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
};

TEST_F(ListenerTest, RefusesClientWithoutCertificate) {
  RawTls raw;
  EXPECT_EQ(raw.alert(listen(), true), SSL_AD_CERTIFICATE_REQUIRED);
}

TEST_F(ListenerTest, RefusesTls12) {
  RawTls raw;
  raw.use(ours_.issue(TestAuthority::device("db1")));
  SSL_CTX_set_max_proto_version(raw.context(), TLS1_2_VERSION);
  EXPECT_EQ(raw.alert(listen(), true), SSL_AD_PROTOCOL_VERSION);
}

TEST_F(ListenerTest, RefusesMissingAndForeignAlpn) {
  RawTls raw;
  raw.use(ours_.issue(TestAuthority::device("db1")));
  auto port = listen();
  EXPECT_EQ(raw.alert(port, true), 0);
  EXPECT_EQ(raw.alert(port, false), SSL_AD_NO_APPLICATION_PROTOCOL);
  auto odd = must(TlsContext::client(ours_.issue(TestAuthority::device("db1")), {"nae/2"}));
  EXPECT_THAT(refusal(odd, port).message, HasSubstr("does not speak this protocol"));
}

TEST_F(ListenerTest, GarbageAndSilenceCostNobodyElse) {
  TlsListenerOptions options;
  options.limits.handshake_timeout = 300ms;
  auto port = listen(options);
  auto garbage = must(BlockingClient::connect_tcp(port));
  auto silent = must(BlockingClient::connect_tcp(port));
  std::string noise = "GET / HTTP/1.0\r\n\r\n" + std::string(5000, '\0');
  ASSERT_GT(::send(garbage.descriptor(), noise.data(), noise.size(), MSG_NOSIGNAL), 0);
  auto client = must(BlockingClient::connect_tls(device_context(), port));
  ASSERT_TRUE(client.write(as_bytes("y")));
  EXPECT_EQ(as_text(must(client.read(1))), "y");
  char byte;
  EXPECT_EQ(::recv(silent.descriptor(), &byte, 1, 0), 0);  // blocks until the server gives up
  while (::recv(garbage.descriptor(), &byte, 1, 0) > 0) {
  }
  while (listener_->connections() > 1) std::this_thread::yield();
  ASSERT_TRUE(client.write(as_bytes("y")));
  EXPECT_EQ(as_text(must(client.read(1))), "y");
}

TEST_F(ListenerTest, ExceptionsEndTheirConnectionAlone) {
  TlsContext context = device_context();
  std::uint16_t port = listen();
  std::vector<BlockingClient> others;
  for (std::size_t i = 0; i < workers_.size(); ++i)
    others.push_back(must(BlockingClient::connect_tls(context, port)));
  for (std::string_view trouble : {"X", "XX"}) {
    auto client = must(BlockingClient::connect_tls(context, port));
    ASSERT_TRUE(client.write(as_bytes(trouble)));
    EXPECT_EQ(client.read(1).error().code, Code::connection_lost);
  }
  for (BlockingClient& other : others) {
    ASSERT_TRUE(other.write(as_bytes("hello")));
    EXPECT_EQ(as_text(must(other.read(5))), "hello");
  }
  EXPECT_EQ(controls_.closed, 2);
}

TEST_F(ListenerTest, LargeTransfersPassUnchangedBothWays) {
  TlsListenerOptions options;
  options.limits.max_output_bytes = 64 << 10;
  auto port = listen(options);
  auto client = must(BlockingClient::connect_tls(device_context(), port));
  Bytes sent(8u << 20);
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<Byte>('a' + i % 13);
  ASSERT_TRUE(client.write(as_bytes("S3000000;")));
  EXPECT_EQ(as_text(must(client.read(3'000'000))), std::string(3'000'000, 'x'));
  // A writer and a reader share one TLS connection only in turns, hence pieces.
  for (std::size_t at = 0; at < sent.size(); at += 256u << 10) {
    ByteView piece = ByteView(sent).subspan(at, 256u << 10);
    ASSERT_TRUE(client.write(piece));
    Bytes back = must(client.read(piece.size()));
    ASSERT_TRUE(std::equal(back.begin(), back.end(), piece.begin()));
  }
}

TEST_F(ListenerTest, PeerThatDoesNotReadIsCutAndBoundsMemory) {
  TlsListenerOptions options;
  options.limits.max_output_bytes = 1 << 20;
  options.limits.stalled_write_timeout = 300ms;
  auto client = must(BlockingClient::connect_tls(device_context(), listen(options)));
  ASSERT_TRUE(client.write(as_bytes("S60000000;")));
  Bytes all(60'000'000);
  std::size_t got = 0;
  while (listener_->connections() > 0) std::this_thread::yield();
  while (auto n = client.read_some(ByteSpan(all).subspan(got))) got += *n;
  EXPECT_LT(got, all.size());
  EXPECT_EQ(controls_.closed, 1);
}

TEST_F(ListenerTest, IdleConnectionsAreClosedInOrder) {
  TlsListenerOptions options;
  options.limits.idle_timeout = 200ms;
  auto client = must(BlockingClient::connect_tls(device_context(), listen(options)));
  auto answer = client.read(1);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().message, "closed");  // close_notify, not a cut
}

TEST_F(ListenerTest, LastWordsArriveBeforeTheClose) {
  auto client = must(BlockingClient::connect_tls(device_context(), listen()));
  ASSERT_TRUE(client.write(as_bytes("Quit")));
  EXPECT_EQ(as_text(must(client.read(4))), "Quit");
  EXPECT_EQ(client.read(1).error().message, "closed");
}

TEST_F(ListenerTest, GracefulStopFinishesWhatIsInFlight) {
  auto port = listen();
  auto client = must(BlockingClient::connect_tls(device_context(), port));
  ASSERT_TRUE(client.write(as_bytes("W")));
  auto connection = controls_.waiting.get_future().get();
  std::promise<void> drained;
  listener_->begin_stop([&] { drained.set_value(); });
  while (controls_.shut_down == 0) std::this_thread::yield();
  EXPECT_FALSE(BlockingClient::connect_tls(device_context(), port));
  auto done = drained.get_future();
  EXPECT_EQ(done.wait_for(50ms), std::future_status::timeout);
  connection->post([this](Connection&) { echo_.load()->answer(); });
  EXPECT_EQ(as_text(must(client.read(1))), "w");
  EXPECT_EQ(client.read(1).error().message, "closed");
  done.wait();
}

TEST_F(ListenerTest, StopCutsWhatDoesNotFinish) {
  auto client = must(BlockingClient::connect_tls(device_context(), listen()));
  ASSERT_TRUE(client.write(as_bytes("W")));
  controls_.waiting.get_future().wait();
  EXPECT_EQ(listener_->stop(100ms), 1u);
  EXPECT_EQ(listener_->connections(), 0u);
  EXPECT_EQ(controls_.closed, 1);
}

TEST_F(ListenerTest, ConnectionLimitHolds) {
  TlsListenerOptions options;
  options.max_connections = 1;
  auto port = listen(options);
  auto context = device_context();
  auto first = must(BlockingClient::connect_tls(context, port));
  EXPECT_FALSE(BlockingClient::connect_tls(context, port));
  ASSERT_TRUE(first.write(as_bytes("z")));
  EXPECT_EQ(as_text(must(first.read(1))), "z");
}

TEST_F(ListenerTest, ReplacedCertificatesServeLaterConnections) {
  auto port = listen();
  auto context = device_context();
  auto before = must(BlockingClient::connect_tls(context, port));
  listener_->replace_context(must(TlsContext::server(ours_.issue(TestAuthority::server()))));
  auto after = must(BlockingClient::connect_tls(context, port));
  EXPECT_NE(before.stream().peer().fingerprint_hex, after.stream().peer().fingerprint_hex);
  ASSERT_TRUE(before.write(as_bytes("z")));
  EXPECT_EQ(as_text(must(before.read(1))), "z");
}

TEST_F(ListenerTest, OutOfDescriptorsRecovers) {
  auto port = listen();
  auto context = device_context();
  std::vector<BlockingClient> waiting;
  waiting.push_back(must(BlockingClient::connect_tcp(port)));
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  rlimit none = before;
  int next = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::close(next);
  int client_socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  none.rlim_cur = static_cast<rlim_t>(next) + 1;  // room for the client alone
  ::setrlimit(RLIMIT_NOFILE, &none);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(client_socket, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  rusage start{};
  ::getrusage(RUSAGE_SELF, &start);
  std::this_thread::sleep_for(300ms);  // the span over which spinning would show as CPU time
  rusage end{};
  ::getrusage(RUSAGE_SELF, &end);
  ::setrlimit(RLIMIT_NOFILE, &before);
  auto ms = [](const rusage& u) {
    return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000 +
           (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1000;
  };
  EXPECT_LT(ms(end) - ms(start), 150);
  ::close(client_socket);
  EXPECT_TRUE(BlockingClient::connect_tls(context, port));
}

TEST_F(ListenerTest, RefusesBadAddresses) {
  auto context = must(TlsContext::server(ours_.issue(TestAuthority::server())));
  TlsListenerOptions options;
  options.host = "not an address";
  EXPECT_EQ(listen_tls(workers_, context, {}, options).error().code, Code::config_invalid);
  options.host = "127.0.0.1";
  options.port = listen();
  EXPECT_THAT(listen_tls(workers_, context, {}, options).error().message, HasSubstr("in use"));
}

class TlsContextTest : public ListenerTest {};

TEST_F(TlsContextTest, RefusesFilesThatAreMissingReadableOrMixed) {
  TlsFiles files = ours_.issue(TestAuthority::server());
  TlsFiles other = ours_.issue(TestAuthority::server());
  EXPECT_TRUE(TlsContext::server(files));
  ::chmod(files.key.c_str(), 0640);
  EXPECT_EQ(TlsContext::server(files).error().code, Code::file_failed);
  ::chmod(files.key.c_str(), 0600);
  auto changed = files;
  changed.key = other.key;
  EXPECT_THAT(TlsContext::server(changed).error().message, HasSubstr("not the key of"));
  changed.key = directory_ / "missing.key";
  EXPECT_EQ(TlsContext::server(changed).error().code, Code::file_failed);
  changed = files;
  changed.authority = files.key;
  EXPECT_EQ(TlsContext::client(changed).error().code, Code::tls_failed);
  changed = files;
  changed.certificate = directory_ / "missing.pem";
  EXPECT_EQ(TlsContext::client(changed).error().code, Code::file_failed);
}

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

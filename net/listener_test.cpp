// Listeners and connections: limits, transfers, stops.
#include <fcntl.h>
#include <sys/resource.h>

#include <boost/asio/steady_timer.hpp>

#include "libnae/base/test_eventually.hpp"
#include "net/test_echo_server.hpp"

namespace nae::net {
namespace {

using namespace testing;

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
  for (ssize_t got = 1; got > 0;) got = ::recv(garbage.descriptor(), &byte, 1, 0);
  EXPECT_TRUE(eventually([&] { return listener_->connections() <= 1; }));
  ASSERT_TRUE(client.write(as_bytes("y")));
  EXPECT_EQ(as_text(must(client.read(1))), "y");
}

TEST_F(ListenerTest, ExceptionsEndTheirConnectionAlone) {
  TlsContext context = device_context();
  std::uint16_t port = listen();
  std::vector<BlockingClient> others;
  for (std::size_t i = 0; i < workers_.size(); ++i)
    others.push_back(must(BlockingClient::connect_tls(context, port)));
  for (std::string_view failure : {"X", "XX"}) {
    auto client = must(BlockingClient::connect_tls(context, port));
    ASSERT_TRUE(client.write(as_bytes(failure)));
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
  ASSERT_TRUE(eventually([&] { return listener_->connections() == 0; }));
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
  ASSERT_TRUE(eventually([&] { return controls_.shut_down != 0; }));
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

// As of a server that fails right behind its listener: what is open then must not keep the port.
TEST_F(ListenerTest, OneThatGoesWithoutAStopLeavesThePortFree) {
  auto workers = std::make_unique<WorkerThreads>(1, "short-lived");
  auto listener =
      must(listen_tls(*workers, must(TlsContext::server(ours_.issue(TestAuthority::server()))),
                      {{kAlpnNae, factory()}}, {}));
  const std::uint16_t port = listener->port();
  auto client = must(BlockingClient::connect_tls(device_context(), port));
  ASSERT_TRUE(client.write(as_bytes("W")));
  controls_.waiting.get_future().wait();  // it is busy, and finishes nothing by itself
  listener.reset();
  EXPECT_EQ(controls_.closed, 1);
  controls_.waiting = {};
  workers.reset();
  EXPECT_EQ(client.read(1).error().code, Code::connection_lost);
  EXPECT_FALSE(BlockingClient::connect_tcp(port));
}

TEST_F(ListenerTest, ConnectionLimitHolds) {
  TlsListenerOptions options;
  options.max_connections = 1;
  auto port = listen(options);
  auto context = device_context();
  auto first = must(BlockingClient::connect_tls(context, port));
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(first.write(as_bytes("z")));
    EXPECT_EQ(as_text(must(first.read(1))), "z");  // now the server's handshake is over too
    EXPECT_FALSE(BlockingClient::connect_tls(context, port));
  }
}

TEST_F(ListenerTest, SilentPeersGiveWayToNewOnes) {
  TlsListenerOptions options;
  options.max_connections = 4;
  options.limits.handshake_timeout = 60s;
  auto port = listen(options);
  auto context = device_context();
  std::vector<BlockingClient> open;
  auto open_one = [&] {
    open.push_back(must(BlockingClient::connect_tls(context, port)));
    for (BlockingClient& client : open) {
      ASSERT_TRUE(client.write(as_bytes("z")));
      EXPECT_EQ(as_text(must(client.read(1))), "z");
    }
  };
  open_one();
  std::vector<BlockingClient> silent;
  for (int i = 0; i < 3; ++i) silent.push_back(must(BlockingClient::connect_tcp(port)));
  ASSERT_TRUE(eventually([&] { return listener_->connections() >= 4; }));
  for (BlockingClient& oldest : silent) {
    open_one();
    char byte;
    EXPECT_EQ(::recv(oldest.descriptor(), &byte, 1, 0), 0);
  }
  EXPECT_FALSE(BlockingClient::connect_tls(context, port));
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

TEST_F(ListenerTest, SettlingWaitsUntilAnswersHaveArrived) {
  auto client = must(BlockingClient::connect_tls(device_context(), listen()));
  ASSERT_TRUE(client.write(as_bytes("W")));
  auto connection = controls_.waiting.get_future().get();
  connection->post([this](Connection&) { echo_.load()->answer(); });
  EXPECT_TRUE(listener_->settle(kAlpnNae, 10s));
  char bytes[4096];
  EXPECT_GT(::recv(client.descriptor(), bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT), 0);
  EXPECT_EQ(as_text(must(client.read(1))), "w");
  EXPECT_EQ(listener_->connections(), 1u);
}

TEST_F(ListenerTest, SettlingCutsWhoDoesNotTakeItsAnswers) {
  TlsListenerOptions options;
  options.limits.max_output_bytes = 1 << 20;
  auto port = listen(options);
  auto client = must(BlockingClient::connect_tls(device_context(), port));
  auto other = must(BlockingClient::connect_tls(device_context(), port));
  ASSERT_TRUE(client.write(as_bytes("S60000000;")));
  Bytes all(60'000'000);
  std::size_t got = must(client.read_some(all));  // the answer is on its way
  EXPECT_TRUE(listener_->settle(kAlpnHttp, 10s));
  EXPECT_EQ(listener_->connections(), 2u) << "another protocol";
  EXPECT_TRUE(listener_->settle(kAlpnNae, 50ms));
  ASSERT_TRUE(eventually([&] { return listener_->connections() <= 1; }));
  while (auto n = client.read_some(ByteSpan(all).subspan(got))) got += *n;
  EXPECT_LT(got, all.size());
  ASSERT_TRUE(other.write(as_bytes("y")));
  EXPECT_EQ(as_text(must(other.read(1))), "y");
}

TEST_F(ListenerTest, SettlingSaysWhenAThreadDoesNotAnswer) {
  auto client = must(BlockingClient::connect_tls(device_context(), listen()));
  ASSERT_TRUE(client.write(as_bytes("W")));
  auto connection = controls_.waiting.get_future().get();
  std::promise<void> release;
  connection->post([gone = release.get_future().share()](Connection&) { gone.wait(); });
  EXPECT_FALSE(listener_->settle(kAlpnNae, 20ms));
  release.set_value();
  EXPECT_TRUE(listener_->settle(kAlpnNae, 10s));
}

}  // namespace
}  // namespace nae::net

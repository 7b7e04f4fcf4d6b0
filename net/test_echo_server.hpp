// An echo server behind a listener, and the certificates to reach it with.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <future>

#include "net/blocking_client.hpp"
#include "net/listener.hpp"
#include "net/test_certificates.hpp"

namespace nae::net::testing {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

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
    workers_.stop();
    controls_.waiting = {};  // a connection must not outlive its loop
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

}  // namespace nae::net::testing

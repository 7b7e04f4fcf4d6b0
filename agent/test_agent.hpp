// An agent between real sockets: backends on its Unix socket, scripted servers behind TLS.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "agent/agent.hpp"
#include "agent/scripted_server.hpp"
#include "libnae/base/test_eventually.hpp"
#include "libnae/client/session.hpp"
#include "net/blocking_client.hpp"
#include "net/test_certificates.hpp"

namespace nae::agent::testing {

using namespace std::chrono_literals;
using net::testing::BlockingClient;
using net::testing::must;
using net::testing::TemporaryDirectory;
using net::testing::TestAuthority;
using ::testing::HasSubstr;
using Act = ScriptedServer::Act;

inline ScriptedServer::Script always(Act act) {
  return [act](const wire::CryptoRequestView&) { return act; };
}

// One backend: a session over a connection, waiting for each answer.
class Backend {
 public:
  explicit Backend(const std::string& path) : socket_(must(BlockingClient::connect_unix(path))) {}

  client::Session& session() { return session_; }
  BlockingClient& socket() { return socket_; }

  std::uint32_t open(const std::string& role) {
    wire::OpenContext open;
    open.context = ++contexts_;
    open.role.database = "db";
    open.role.effective_role = role;
    session_.open_context(open);
    return open.context;
  }
  std::uint64_t request(std::uint32_t context, Action action, std::string_view item) {
    ByteView view = as_bytes(item);
    wire::CryptoRequest request;
    request.header.context = context;
    request.header.action = action;
    request.header.key = action == Action::decrypt ? "" : "key";
    request.items = {&view, 1};
    return must(session_.crypto(request));
  }
  // The next answer that is no ContextOpened.
  Result<std::pair<std::uint64_t, wire::Frame>> answer() {
    (void)send();  // an agent that takes no more may have said why
    for (;;) {
      NAE_ASSIGN(auto frame, session_.next_reply());
      if (frame && frame->header.type != wire::FrameType::context_opened)
        return std::pair(frame->header.request_id, *frame);
      if (frame) continue;
      NAE_ASSIGN(std::size_t got, socket_.read_some(session_.receive_space()));
      session_.received(got);
    }
  }
  Result<std::string> ask(std::uint32_t context, Action action, std::string_view item) {
    std::uint64_t id = request(context, action, item);
    NAE_ASSIGN(auto answered, answer());
    if (auto error = client::as_error(answered.second)) return fail(error->error);
    EXPECT_EQ(answered.first, id);
    NAE_ASSIGN(auto reply, wire::parse_crypto_reply(answered.second.body));
    return std::string(as_text(reply.items.cursor().next()));
  }
  Result<Table> look_up(std::uint32_t context, wire::LookupSubject subject) {
    session_.lookup({context, subject});
    NAE_ASSIGN(auto answered, answer());
    if (auto error = client::as_error(answered.second)) return fail(error->error);
    return wire::parse_lookup_reply(answered.second.body);
  }
  std::string statistic(const std::string& name) {
    auto table = must(look_up(0, wire::LookupSubject::agent_stats));
    for (const auto& row : table.rows)
      if (row[0] == name) return *row[1];
    return "no such row";
  }
  Result<void> send() {
    NAE_TRY(socket_.write(session_.output()));
    session_.sent(session_.output().size());
    return {};
  }

 private:
  BlockingClient socket_;
  client::Session session_{"test"};
  std::uint32_t contexts_ = 0;
};

class AgentTest : public ::testing::Test {
 protected:
  AgentTest() {
    config_.socket = directory_ / "agent.sock";
    config_.tls = authority_.issue(TestAuthority::device("db1"));
    config_.connections_per_server = 1;
    config_.limits.request_timeout = 10s;
    config_.limits.unavailable_wait = 5s;
    Program self;
    self.name = "tester";
    self.uid = ::getuid();
    self.executable = std::filesystem::canonical("/proc/self/exe");
    config_.programs = {self};
  }
  ~AgentTest() override { stop(); }

  ScriptedServer& serve(ScriptedServer::Script script, wire::Limits limits = {}) {
    servers_.push_back(std::make_unique<ScriptedServer>(authority_.issue(TestAuthority::server()),
                                                        std::move(script), limits));
    config_.servers.push_back(servers_.back()->endpoint());
    return *servers_.back();
  }
  void start() {
    agent_ = std::make_unique<Agent>(loop_, config_);
    must_do(agent_->start());
    thread_ = std::thread([this] { loop_.run(); });
  }
  // A test's short limits are for what it asks; a greeting takes longer on a busy machine.
  void start_with_all_ready() {
    start();
    for (std::size_t i = 1; i <= config_.servers.size(); ++i)
      wait_for("upstream." + std::to_string(i) + ".state", "ready");
  }
  // Waits until a server was lost for a reason that has `text` in it.
  void wait_for_loss(const std::string& text) {
    Backend observer = backend();
    ASSERT_TRUE(eventually([&] {
      return observer.statistic("upstream.1.last_error").find(text) != std::string::npos;
    })) << text;
  }
  void stop() {
    if (!thread_.joinable()) return;
    boost::asio::post(loop_, [this] { agent_->stop(); });
    thread_.join();
    agent_.reset();
  }
  static void must_do(const Result<void>& done) { ASSERT_TRUE(done) << done.error().message; }
  Backend backend() { return Backend(config_.socket.string()); }
  // Waits until the agent's statistics say so.
  void wait_for(const std::string& name, const std::string& value) {
    Backend observer = backend();
    ASSERT_TRUE(eventually([&] { return observer.statistic(name) == value; }))
        << name << " never was " << value;
  }

  TemporaryDirectory directory_;
  TestAuthority authority_{directory_, "authority"};
  Config config_;
  boost::asio::io_context loop_{1};
  std::vector<std::unique_ptr<ScriptedServer>> servers_;
  std::unique_ptr<Agent> agent_;
  std::thread thread_;
};

}  // namespace nae::agent::testing

// What the agent carries, and what it does when a server is slow, refuses or dies.
#include <future>

#include "agent/test_agent.hpp"
#include "libnae/base/test_eventually.hpp"
#include "tests/vectors/vector_file.hpp"

namespace nae::agent {
namespace {

using namespace testing;

// A port on which connections end as soon as they begin.
class ClosingServer {
 public:
  ClosingServer() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    int on = 1;
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* any = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(listener_, any, size), 0);
    EXPECT_EQ(::listen(listener_, 8), 0);
    EXPECT_EQ(::getsockname(listener_, any, &size), 0);
    port_ = ntohs(address.sin_port);
  }
  ~ClosingServer() { close(); }
  std::uint16_t port() const { return port_; }
  void accept_and_close() { ::close(::accept(listener_, nullptr, nullptr)); }
  void close() {
    if (listener_ >= 0) ::close(std::exchange(listener_, -1));
  }

 private:
  int listener_;
  std::uint16_t port_ = 0;
};

TEST_F(AgentTest, CarriesRequestsAndStatesTheProgram) {
  auto& server = serve(always(Act::answer));
  start();
  wait_for("upstream.1.state", "ready");
  Backend b = backend();
  auto context = b.open("alice");
  EXPECT_EQ(must(b.ask(context, Action::encrypt, "value")), "value");
  ASSERT_EQ(server.opened().size(), 1u);
  const auto open = server.opened()[0];
  ASSERT_TRUE(open.program);
  EXPECT_EQ(open.program->name, "tester");
  EXPECT_EQ(open.program->uid, ::getuid());
  EXPECT_EQ(open.program->executable, std::filesystem::canonical("/proc/self/exe"));
  EXPECT_EQ(open.program->executable_sha256.size(), 32u);
  EXPECT_EQ(open.role.effective_role, "alice");
  EXPECT_EQ(b.session().server()->server_id, "scripted");
}

TEST_F(AgentTest, EqualRolesShareAContextAndOthersDoNot) {
  auto& server = serve(always(Act::answer));
  start();
  Backend one = backend(), two = backend();
  auto other = one.open("bob");
  auto first = one.open("alice");
  auto second = two.open("alice");
  EXPECT_NE(first, second);
  must(one.ask(other, Action::encrypt, "a"));
  must(one.ask(first, Action::encrypt, "b"));
  must(two.ask(second, Action::encrypt, "c"));
  EXPECT_EQ(server.opened().size(), 2u);
  EXPECT_EQ(one.statistic("contexts"), "2");
}

TEST_F(AgentTest, AnswersKeepTheirIdsInAnyOrder) {
  std::atomic<int> count = 0;
  serve([&](const wire::CryptoRequestView&) { return ++count == 1 ? Act::hold : Act::answer; });
  start();
  Backend b = backend();
  auto context = b.open("alice");
  auto held = b.request(context, Action::encrypt, "held");
  auto served = b.request(context, Action::encrypt, "served");
  auto answered = must(b.answer());
  EXPECT_EQ(answered.first, served);
  EXPECT_NE(answered.first, held);
}

TEST_F(AgentTest, ManyClientsGetTheirOwnAnswers) {
  serve(always(Act::answer));
  serve(always(Act::answer));
  start();
  std::vector<std::future<bool>> clients;
  for (int i = 0; i < 16; ++i)
    clients.push_back(std::async(std::launch::async, [this, i] {
      Backend b = backend();
      auto context = b.open("role" + std::to_string(i % 3));
      for (int n = 0; n < 200; ++n) {
        std::string value = std::to_string(i) + ":" + std::to_string(n) + std::string(n * 50, 'x');
        if (must(b.ask(context, Action::decrypt, value)) != value) return false;
      }
      return true;
    }));
  for (auto& client : clients) EXPECT_TRUE(client.get());
}

TEST_F(AgentTest, LargeRequestsPass) {
  serve(always(Act::answer));
  start();
  Backend b = backend();
  auto context = b.open("alice");
  std::string value(20u << 20, 'v');
  EXPECT_EQ(must(b.ask(context, Action::encrypt, value)), value);
}

TEST_F(AgentTest, RetriesOnAnotherServerWhenTheConnectionDies) {
  auto once = std::make_shared<std::atomic<int>>(0);
  auto drop_first = [once](const wire::CryptoRequestView&) {
    return (*once)++ == 0 ? Act::drop : Act::answer;
  };
  auto& first = serve(drop_first);
  auto& second = serve(drop_first);
  start();
  wait_for("upstream.1.state", "ready");
  wait_for("upstream.2.state", "ready");
  Backend b = backend();
  EXPECT_EQ(must(b.ask(b.open("alice"), Action::decrypt, "value")), "value");
  EXPECT_EQ(first.requests + second.requests, 2);
  EXPECT_EQ(b.statistic("requests_retried"), "1");
}

TEST_F(AgentTest, RequestsOutliveADeathThatIsLearntConnectionByConnection) {
  config_.connections_per_server = 8;
  ScriptedServer* server = nullptr;
  std::atomic<bool> died = false;
  server = &serve([&](const wire::CryptoRequestView&) {
    if (died.exchange(true)) return Act::answer;
    server->listener().abort_all(Error(Code::connection_lost, "script"));
    return Act::drop;
  });
  start();
  for (int i = 1; i <= 8; ++i) wait_for("upstream." + std::to_string(i) + ".state", "ready");
  Backend b = backend();
  EXPECT_EQ(must(b.ask(b.open("alice"), Action::decrypt, "value")), "value");
  EXPECT_EQ(b.statistic("requests_retried"), "1");
}

TEST_F(AgentTest, SignaturesAreNotSentTwice) {
  auto& server = serve(always(Act::drop));
  start();
  Backend b = backend();
  auto answer = b.ask(b.open("alice"), Action::sign, "document");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::connection_lost);
  EXPECT_EQ(server.requests, 1);
}

TEST_F(AgentTest, GivesUpAfterTheSecondDeath) {
  auto& server = serve(always(Act::drop));
  start();
  Backend b = backend();
  auto answer = b.ask(b.open("alice"), Action::decrypt, "value");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::connection_lost);
  EXPECT_EQ(server.requests, 2);
}

TEST_F(AgentTest, RequestsToAStoppingServerGoElsewhereEvenSignatures) {
  auto once = std::make_shared<std::atomic<int>>(0);
  auto script = [once](const wire::CryptoRequestView&) {
    return (*once)++ == 0 ? Act::shutting_down : Act::answer;
  };
  serve(script);
  serve(script);
  start();
  wait_for("upstream.1.state", "ready");
  wait_for("upstream.2.state", "ready");
  Backend b = backend();
  EXPECT_EQ(must(b.ask(b.open("alice"), Action::sign, "document")), "document");
}

// A second try would be counted as well.
TEST_F(AgentTest, ReachedLimitsAreToldAsTheyAreAndNotTriedAgain) {
  auto& server = serve(always(Act::limit));
  start();
  Backend b = backend();
  auto id = b.request(b.open("alice"), Action::decrypt, "value");
  auto answered = must(b.answer());
  EXPECT_EQ(answered.first, id);
  auto error = client::as_error(answered.second);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->error.code, Code::limit_exceeded);
  EXPECT_EQ(error->retry_after_ms, 4200u);
  EXPECT_EQ(server.requests, 1);
}

TEST_F(AgentTest, ForgottenContextsAreOpenedAgain) {
  auto once = std::make_shared<std::atomic<int>>(0);
  auto& server = serve([once](const wire::CryptoRequestView&) {
    return (*once)++ == 0 ? Act::refuse_context : Act::answer;
  });
  start();
  Backend b = backend();
  EXPECT_EQ(must(b.ask(b.open("alice"), Action::sign, "value")), "value");
  EXPECT_EQ(server.opened().size(), 2u);
}

TEST_F(AgentTest, RefusedContextsFailTheirRequestsWithTheReason) {
  auto& server = serve(always(Act::answer));
  server.refuse_role("mallory");
  start();
  Backend b = backend();
  auto context = b.open("mallory");
  for (int i = 0; i < 2; ++i) {
    auto answer = b.ask(context, Action::decrypt, "value");
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Code::device_unknown);
    EXPECT_EQ(answer.error().message, "refused by the script");
  }
  EXPECT_EQ(must(b.ask(b.open("alice"), Action::decrypt, "value")), "value");
}

TEST_F(AgentTest, SlowServersTimeOutAndTheClientGoesOn) {
  config_.limits.request_timeout = 1s;
  auto once = std::make_shared<std::atomic<int>>(0);
  serve(
      [once](const wire::CryptoRequestView&) { return (*once)++ == 0 ? Act::hold : Act::answer; });
  start_with_all_ready();
  Backend b = backend();
  auto context = b.open("alice");
  auto answer = b.ask(context, Action::decrypt, "value");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::timeout);
  EXPECT_EQ(must(b.ask(context, Action::decrypt, "next")), "next");
}

TEST_F(AgentTest, NoServerIsAnErrorThatNamesIt) {
  config_.limits.unavailable_wait = 100ms;
  config_.servers = {{"127.0.0.1", 1}};
  start();
  wait_for_loss("Connection refused");
  Backend b = backend();
  auto answer = b.ask(b.open("alice"), Action::decrypt, "value");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::server_unavailable);
  EXPECT_THAT(answer.error().message, HasSubstr("127.0.0.1:1: Connection refused"));
}

TEST_F(AgentTest, RejectedDeviceCertificateIsNamed) {
  config_.limits.unavailable_wait = 300ms;
  TestAuthority foreign(directory_, "foreign");
  config_.tls = foreign.issue(TestAuthority::device("db1"));
  config_.tls.authority = authority_.file();
  serve(always(Act::answer));
  start();
  wait_for_loss("does not trust the authority");
  Backend b = backend();
  auto answer = b.ask(b.open("alice"), Action::decrypt, "value");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::certificate_rejected);
  EXPECT_THAT(answer.error().message, HasSubstr("does not trust the authority"));
}

TEST_F(AgentTest, RequestsWaitForAServerThatComesBack) {
  config_.limits.unavailable_wait = 60s;  // what comes back takes its time on a busy machine
  config_.limits.request_timeout = 60s;
  std::uint16_t port = 0;
  {
    ScriptedServer before(authority_.issue(TestAuthority::server()), always(Act::answer));
    port = before.port();
  }
  config_.servers = {{"127.0.0.1", port}};
  start();
  Backend b = backend();
  auto context = b.open("alice");
  b.request(context, Action::decrypt, "value");
  must_do(b.send());
  wait_for("requests_outstanding", "1");
  ScriptedServer after(authority_.issue(TestAuthority::server()), always(Act::answer), {}, port);
  EXPECT_EQ(must(b.answer()).second.header.type, wire::FrameType::crypto_reply);
}

TEST_F(AgentTest, RequestsAfterALongOutageNeedNotWaitForItsBackOff) {
  config_.limits.unavailable_wait = 60s;
  config_.limits.request_timeout = 60s;
  ClosingServer down;
  config_.servers = {{"127.0.0.1", down.port()}};
  start();
  Backend b = backend();
  auto context = b.open("alice");
  b.statistic("clients");
  for (int i = 0; i < 6; ++i) down.accept_and_close();
  // Now each attempt is 1.5 s after the one before or more; while a request waits, one.
  const auto since = std::chrono::steady_clock::now();
  b.request(context, Action::decrypt, "value");
  must_do(b.send());
  for (int i = 0; i < 3; ++i) down.accept_and_close();
  EXPECT_LT(std::chrono::steady_clock::now() - since, 4500ms);
  down.close();
  ScriptedServer back(authority_.issue(TestAuthority::server()), always(Act::answer), {},
                      down.port());
  EXPECT_EQ(must(b.answer()).second.header.type, wire::FrameType::crypto_reply);
}

TEST_F(AgentTest, RefusesUnknownPrograms) {
  config_.programs[0].uid += 1;
  serve(always(Act::answer));
  start();
  Backend b = backend();
  b.open("alice");
  auto answer = b.answer();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::program_unknown);
  EXPECT_THAT(answer.error().message,
              HasSubstr(std::filesystem::canonical("/proc/self/exe").string()));
  EXPECT_THAT(answer.error().message, HasSubstr("uid " + std::to_string(::getuid())));
}

// Writes raw bytes, answers the error that the agent ends the connection with.

TEST_F(AgentTest, AnswersForClientsThatLeftAreDropped) {
  config_.limits.request_timeout = 1s;
  auto& server = serve([](const wire::CryptoRequestView& request) {
    return request.items.data_bytes() == 4 ? Act::hold : Act::answer;
  });
  start_with_all_ready();
  {
    Backend gone = backend();
    gone.request(gone.open("alice"), Action::decrypt, "held");
    must_do(gone.send());
    ASSERT_TRUE(eventually([&] { return server.requests != 0; }));
  }
  Backend b = backend();
  EXPECT_EQ(must(b.ask(b.open("alice"), Action::decrypt, "other")), "other");
}

TEST_F(AgentTest, LookupsGoToTheServerAndStatisticsDoNot) {
  serve(always(Act::answer));
  start();
  Backend b = backend();
  auto context = b.open("alice");
  EXPECT_EQ(must(b.look_up(context, wire::LookupSubject::keys)).rows.size(), 1u);
  EXPECT_EQ(b.statistic("upstream.1.state"), "ready");
  EXPECT_EQ(b.statistic("clients"), "1");
}

// What one backend writes must not cost the connection to the key server, and a later extension's
// requests not that to the agent.
TEST_F(AgentTest, RefusesFramesAsTheSpecificationSays) {
  serve(always(Act::answer));
  start();
  Backend witness = backend();
  const auto context = witness.open("alice");
  EXPECT_EQ(must(witness.ask(context, Action::decrypt, "x")), "x");
  for (const auto& vector : vectors::read("wire_refused.txt")) {
    if (vector.value("by") != "both") continue;
    SCOPED_TRACE(vector.section);
    Backend b = backend();
    b.statistic("clients");
    must_do(b.socket().write(vector.bytes("frame")));
    auto answered = must(b.answer());
    auto error = client::as_error(answered.second);
    ASSERT_TRUE(error);
    EXPECT_EQ(static_cast<unsigned long>(error->error.code), vector.number("code"));
    auto after = b.look_up(0, wire::LookupSubject::agent_stats);
    EXPECT_EQ(after.has_value(), vector.value("closes") == "no");
    EXPECT_EQ(must(witness.ask(context, Action::decrypt, "x")), "x");
  }
  EXPECT_EQ(witness.statistic("upstream.1.state"), "ready");
}

TEST_F(AgentTest, EpochsReachTheClients) {
  auto& server = serve(always(Act::answer));
  start();
  Backend b = backend();
  auto context = b.open("alice");
  must(b.ask(context, Action::decrypt, "x"));
  server.listener().for_each([](net::Connection& connection) {
    wire::append_epoch(connection.output(), 8);
    connection.flush();
  });
  EXPECT_TRUE(eventually([&] {
    must(b.ask(context, Action::decrypt, "x"));
    return b.session().epoch() == 8;
  }));
}

TEST_F(AgentTest, StopFinishesWhatIsInFlight) {
  std::promise<void> arrived;
  std::promise<void> release;
  auto released = release.get_future().share();
  serve([&](const wire::CryptoRequestView&) {
    arrived.set_value();
    released.wait();
    return Act::answer;
  });
  start();
  Backend b = backend();
  b.request(b.open("alice"), Action::decrypt, "value");
  must_do(b.send());
  arrived.get_future().wait();
  boost::asio::post(loop_, [this] { agent_->stop(); });
  EXPECT_TRUE(eventually([&] { return !std::filesystem::exists(config_.socket); }));
  release.set_value();
  EXPECT_EQ(must(b.answer()).second.header.type, wire::FrameType::crypto_reply);
  EXPECT_EQ(b.answer().error().message, "closed");
  thread_.join();
  agent_.reset();
}

// Else what was replaced because it is not to be trusted would go on for as long as nothing else
// can be reached.
TEST_F(AgentTest, ReloadEndsConnectionsToServersThatAreNotTrustedAnyMore) {
  config_.limits.unavailable_wait = 100ms;
  serve(always(Act::answer));
  start_with_all_ready();
  Backend b = backend();
  auto context = b.open("alice");
  must(b.ask(context, Action::decrypt, "x"));
  TestAuthority foreign(directory_, "foreign");
  Config changed = config_;
  changed.tls.authority = foreign.file();
  std::promise<void> done;
  boost::asio::post(loop_, [&] {
    EXPECT_TRUE(agent_->reload(changed));
    done.set_value();
  });
  done.get_future().wait();
  // Answered until the connection is ended, and then until another one has been tried in vain.
  Result<std::string> answer = std::string();
  EXPECT_TRUE(eventually([&] {
    answer = b.ask(context, Action::decrypt, "x");
    return !answer && answer.error().code != Code::server_unavailable;
  }));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::certificate_rejected);
}

TEST_F(AgentTest, ReloadChangesServersWithoutLosingARequest) {
  auto& before = serve(always(Act::answer));
  start();
  Backend b = backend();
  auto context = b.open("alice");
  must(b.ask(context, Action::decrypt, "x"));
  Config changed = config_;
  changed.servers.clear();
  config_.servers.clear();
  auto& after = serve(always(Act::answer));
  changed.servers = config_.servers;
  changed.tls = authority_.issue(TestAuthority::device("db1"));
  Config broken = changed;
  broken.tls.certificate = directory_ / "missing.pem";
  std::promise<void> done;
  boost::asio::post(loop_, [&] {
    EXPECT_FALSE(agent_->reload(broken));
    EXPECT_TRUE(agent_->reload(changed));
    done.set_value();
  });
  done.get_future().wait();
  ASSERT_TRUE(eventually([&] {
    must(b.ask(context, Action::decrypt, "x"));
    return after.requests != 0;
  }));
  ASSERT_TRUE(eventually([&] {
    must(b.ask(context, Action::decrypt, "x"));
    return before.connections() == 0;
  }));
  EXPECT_EQ(b.statistic("reloads"), "1");
}

}  // namespace
}  // namespace nae::agent

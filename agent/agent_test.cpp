// The whole agent between real sockets: clients on the Unix socket, scripted servers behind TLS.
#include "agent/agent.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "agent/scripted_server.hpp"
#include "libnae/client/session.hpp"
#include "net/blocking_client.hpp"
#include "net/test_certificates.hpp"

namespace nae::agent {
namespace {

using namespace std::chrono_literals;
using net::testing::BlockingClient;
using net::testing::must;
using net::testing::TemporaryDirectory;
using net::testing::TestAuthority;
using ::testing::HasSubstr;
using testing::ScriptedServer;
using Act = ScriptedServer::Act;

ScriptedServer::Script always(Act act) {
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
    NAE_TRY(send());
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
  Result<wire::Table> look_up(std::uint32_t context, wire::LookupSubject subject) {
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
    while (observer.statistic(name) != value) std::this_thread::yield();
  }

  TemporaryDirectory directory_;
  TestAuthority authority_{directory_, "authority"};
  Config config_;
  boost::asio::io_context loop_{1};
  std::vector<std::unique_ptr<ScriptedServer>> servers_;
  std::unique_ptr<Agent> agent_;
  std::thread thread_;
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
  config_.limits.request_timeout = 100ms;
  auto once = std::make_shared<std::atomic<int>>(0);
  serve(
      [once](const wire::CryptoRequestView&) { return (*once)++ == 0 ? Act::hold : Act::answer; });
  start();
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
  Backend b = backend();
  auto answer = b.ask(b.open("alice"), Action::decrypt, "value");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::server_unavailable);
  EXPECT_THAT(answer.error().message, HasSubstr("does not trust the authority"));
}

TEST_F(AgentTest, RequestsWaitForAServerThatComesBack) {
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
class RawClientTest : public AgentTest {
 protected:
  Error error_for(ByteView bytes, bool after_hello) {
    Backend b = backend();
    if (after_hello) b.statistic("clients");
    must_do(b.socket().write(bytes));
    for (;;) {
      auto frame = b.session().next_reply();
      if (!frame) return frame.error();
      if (*frame) {
        auto error = client::as_error(**frame);
        EXPECT_EQ(b.socket().read(1).error().message, "closed");
        return error ? error->error : Error(Code::internal, "answered");
      }
      auto got = b.socket().read_some(b.session().receive_space());
      if (!got) return got.error();
      b.session().received(*got);
    }
  }
  Bytes frame(wire::FrameType type, std::string_view body) {
    Bytes out;
    std::size_t at = wire::begin_frame(out, type, 9);
    ByteWriter(out).raw(as_bytes(body));
    wire::finish_frame(out, at);
    return out;
  }
};

TEST_F(RawClientTest, MalformedFramesEndTheClientAlone) {
  auto& server = serve(always(Act::answer));
  start();
  Backend good = backend();
  auto context = good.open("alice");
  must(good.ask(context, Action::decrypt, "value"));

  using T = wire::FrameType;
  EXPECT_EQ(error_for(as_bytes(std::string(64, 'x')), false).code, Code::protocol_violation);
  EXPECT_EQ(error_for(frame(T::crypto, "early"), false).code, Code::protocol_violation);
  EXPECT_EQ(error_for(frame(T::hello, "short"), false).code, Code::protocol_violation);
  EXPECT_EQ(error_for(frame(T::hello, std::string(4097, 'x')), false).code, Code::frame_too_large);
  EXPECT_EQ(error_for(as_bytes(std::string(64, 'x')), true).code, Code::protocol_violation);
  EXPECT_EQ(error_for(frame(T::crypto, "short"), true).code, Code::protocol_violation);
  EXPECT_EQ(error_for(frame(T::crypto, std::string(500, '\xff')), true).code,
            Code::protocol_violation);
  EXPECT_EQ(error_for(frame(T::open_context, "short"), true).code, Code::protocol_violation);
  EXPECT_EQ(error_for(frame(T::close_context, "x"), true).code, Code::protocol_violation);
  EXPECT_EQ(error_for(frame(T::lookup, "x"), true).code, Code::protocol_violation);
  EXPECT_EQ(error_for(frame(T::hello, "again"), true).code, Code::protocol_violation);
  EXPECT_EQ(error_for(frame(T::crypto_reply, ""), true).code, Code::protocol_violation);
  Bytes oversized = frame(T::crypto, "x");
  store_big_endian(oversized.data(), wire::kMaxFrameBytesDefault + 1);
  EXPECT_EQ(error_for(oversized, true).code, Code::frame_too_large);

  wire::OpenContext forged;
  forged.context = 1;
  forged.program.emplace().name = "postgres";
  Bytes open;
  wire::append_open_context(open, 9, forged);
  EXPECT_EQ(error_for(open, true).code, Code::protocol_violation);

  EXPECT_EQ(must(good.ask(context, Action::decrypt, "still here")), "still here");
  EXPECT_EQ(server.requests, 2);
  EXPECT_EQ(server.connections(), 1u);
}

TEST_F(AgentTest, UnknownContextsFailTheRequestOnly) {
  serve(always(Act::answer));
  start();
  Backend b = backend();
  EXPECT_EQ(b.ask(99, Action::decrypt, "x").error().code, Code::context_unknown);
  auto context = b.open("alice");
  EXPECT_EQ(must(b.ask(context, Action::decrypt, "x")), "x");
  b.session().close_context(context);
  EXPECT_EQ(b.ask(context, Action::decrypt, "x").error().code, Code::context_unknown);
}

TEST_F(AgentTest, LimitsAreTheSmallerOfAllThree) {
  wire::Limits server_limits{1 << 20, 10};
  serve(always(Act::answer), server_limits);
  start();
  wait_for("upstream.1.state", "ready");
  Backend b = backend();
  b.statistic("clients");
  EXPECT_EQ(b.session().limits().max_frame_bytes, 1u << 20);
  EXPECT_EQ(b.session().limits().max_items, 10u);
}

TEST_F(AgentTest, ContextsOfAClientAreBoundedInBytes) {
  serve(always(Act::answer));
  start();
  Backend b = backend();
  wire::OpenContext open;
  open.role.effective_role = "alice";
  open.role.memberships.assign(8, std::string(60'000, 'r'));
  for (open.context = 1; open.context <= 9; ++open.context) b.session().open_context(open);
  EXPECT_EQ(client::as_error(must(b.answer()).second)->error.code, Code::overloaded);
  EXPECT_EQ(b.ask(9, Action::decrypt, "x").error().code, Code::context_unknown);
  b.session().close_context(1);
  open.context = 10;
  b.session().open_context(open);
  EXPECT_EQ(must(b.ask(10, Action::decrypt, "x")), "x");
}

TEST_F(AgentTest, AContextTooLongForTheServerCostsNobodyElse) {
  auto& server = serve(always(Act::answer), {8192, 10});
  start();
  wait_for("upstream.1.state", "ready");
  Backend good = backend();
  auto context = good.open("alice");
  EXPECT_EQ(must(good.ask(context, Action::sign, "x")), "x");
  Backend b = backend();
  wire::OpenContext open;
  open.context = 1;
  open.role.effective_role = "bob";
  open.role.memberships.assign(1, std::string(8120, 'r'));  // the attestation does not fit as well
  b.session().open_context(open);
  EXPECT_EQ(b.ask(1, Action::sign, "x").error().code, Code::frame_too_large);
  EXPECT_EQ(must(good.ask(context, Action::sign, "x")), "x");
  EXPECT_EQ(server.opened().size(), 1u);
}

TEST_F(AgentTest, BufferedBytesAreBounded) {
  config_.limits.max_buffered_bytes = 1 << 20;
  serve(always(Act::hold));
  start();
  Backend b = backend();
  auto context = b.open("alice");
  b.request(context, Action::decrypt, std::string(900'000, 'x'));
  auto second = b.request(context, Action::decrypt, std::string(900'000, 'x'));
  auto answered = must(b.answer());
  EXPECT_EQ(answered.first, second);
  EXPECT_EQ(client::as_error(answered.second)->error.code, Code::overloaded);
}

TEST_F(AgentTest, OutstandingRequestsOfAClientAreBounded) {
  config_.limits.max_outstanding_per_client = 4;
  auto& server = serve(always(Act::answer));
  start();
  Backend b = backend();
  auto context = b.open("alice");
  constexpr int kRequests = 100;
  for (int i = 0; i < kRequests; ++i) b.request(context, Action::decrypt, std::to_string(i));
  for (int i = 0; i < kRequests; ++i) must(b.answer());
  EXPECT_EQ(server.requests, kRequests);
}

TEST_F(AgentTest, AnswersForClientsThatLeftAreDropped) {
  config_.limits.request_timeout = 200ms;
  auto& server = serve([](const wire::CryptoRequestView& request) {
    return request.items.data_bytes() == 4 ? Act::hold : Act::answer;
  });
  start();
  {
    Backend gone = backend();
    gone.request(gone.open("alice"), Action::decrypt, "held");
    must_do(gone.send());
    while (server.requests == 0) std::this_thread::yield();
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
  while (b.session().epoch() != 8) must(b.ask(context, Action::decrypt, "x"));
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
  while (std::filesystem::exists(config_.socket)) std::this_thread::yield();
  release.set_value();
  EXPECT_EQ(must(b.answer()).second.header.type, wire::FrameType::crypto_reply);
  EXPECT_EQ(b.answer().error().message, "closed");
  thread_.join();
  agent_.reset();
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
  while (after.requests == 0) must(b.ask(context, Action::decrypt, "x"));
  while (before.connections() != 0) must(b.ask(context, Action::decrypt, "x"));
  EXPECT_EQ(b.statistic("reloads"), "1");
}

}  // namespace
}  // namespace nae::agent

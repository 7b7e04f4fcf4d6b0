// More clients than the agent has places for.
#include <fcntl.h>
#include <sys/resource.h>

#include "agent/test_agent.hpp"
#include "agent/test_log.hpp"
#include "libnae/base/repeated_event.hpp"

namespace nae::agent {
namespace {

using namespace testing;
using ::testing::AllOf;

class AgentSeatsTest : public AgentTest {
 protected:
  AgentSeatsTest() { config_.limits.max_clients = kPlaces; }
  ~AgentSeatsTest() override { stop(); }

  // As a backend that is told that its place is another's now: a new connection, the same request.
  struct Client {
    explicit Client(std::string socket) : path(std::move(socket)) {}
    void connect() {
      backend = std::make_unique<Backend>(path);
      context = backend->open("alice");
    }
    Result<std::string> sign(const std::string& item) {
      if (!backend) connect();
      for (;;) {
        auto answer = backend->ask(context, Action::sign, item);
        if (answer || answer.error().code != Code::shutting_down) return answer;
        connect();
      }
    }
    std::string path;
    std::unique_ptr<Backend> backend;
    std::uint32_t context = 0;
  };
  Client client() { return Client(config_.socket.string()); }
  // What a client is told that finds no place.
  Error refusal() {
    Client late = client();
    auto answer = late.sign("late");
    EXPECT_FALSE(answer);
    return answer ? Error(Code::internal, "") : answer.error();
  }
  // The log has a line of it, and no other before its interval is over. Ends the agent.
  void expect_said_once_in_a_while(const std::string& event) {
    stop();
    const auto intervals = (std::chrono::steady_clock::now() - since_) / RepeatedEvent::kInterval;
    EXPECT_GE(log_.lines_with(event), 1u);
    EXPECT_LE(log_.lines_with(event), 1u + static_cast<std::size_t>(intervals));
  }
  // The places are taken by requests that are not answered.
  void hold_all(ScriptedServer& server) {
    for (std::uint32_t i = 0; i < kPlaces; ++i) {
      holding_.push_back(client());
      holding_.back().connect();
      holding_.back().backend->request(holding_.back().context, Action::sign, "held");
      must_do(holding_.back().backend->send());
    }
    ASSERT_TRUE(eventually([&] { return server.requests >= int{kPlaces}; }));
  }

  static constexpr std::uint32_t kPlaces = 4;
  const std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
  KeptLog log_;
  std::vector<Client> holding_;
};

TEST_F(AgentSeatsTest, WhoIsIdleGivesItsPlaceToANewOne) {
  auto& server = serve(always(Act::answer));
  start();
  constexpr int kClients = 3 * kPlaces, kRounds = 20;
  std::vector<Client> clients;
  for (int i = 0; i < kClients; ++i) clients.push_back(client());
  for (int round = 0; round < kRounds; ++round)
    for (int i = 0; i < kClients; ++i) {
      const std::string item = std::to_string(round) + "/" + std::to_string(i);
      EXPECT_EQ(must(clients[i].sign(item)), item);
    }
  EXPECT_EQ(server.requests, kClients * kRounds);  // signatures: none was made twice
  expect_said_once_in_a_while("event=client_gave_way");
}

TEST_F(AgentSeatsTest, TheOneThatIsIdleForLongestGives) {
  serve(always(Act::answer));
  start();
  std::vector<Client> clients;
  for (std::uint32_t i = 0; i < kPlaces; ++i) {
    clients.push_back(client());
    must(clients.back().sign("x"));
  }
  must(clients[0].sign("x"));  // now the second one is idle for longest
  Client late = client();
  must(late.sign("x"));
  auto closed = [](Client& one) {
    pollfd watched{one.backend->socket().descriptor(), POLLRDHUP, 0};
    return ::poll(&watched, 1, 0) > 0;
  };
  EXPECT_FALSE(closed(clients[0]));
  EXPECT_TRUE(closed(clients[1]));
  EXPECT_FALSE(closed(clients[2]) || closed(clients[3]));
}

TEST_F(AgentSeatsTest, WhereAllAreBusyTheLimitIsNamed) {
  auto& server = serve(always(Act::hold));
  config_.limits.stop_timeout = 10ms;
  start();
  hold_all(server);
  for (int i = 0; i < 50; ++i) {
    const Error error = refusal();
    EXPECT_EQ(error.code, Code::overloaded);
    EXPECT_THAT(error.message, HasSubstr("limits.max_clients = 4"));
    EXPECT_THAT(std::string(error.hint_or_default()), HasSubstr("max_clients"));
  }
  expect_said_once_in_a_while("event=connection_refused");
}

TEST_F(AgentSeatsTest, ALimitOfOpenFilesIsNamedWhereItIsTheReason) {
  auto& server = serve(always(Act::hold));
  config_.limits.stop_timeout = 10ms;
  config_.limits.open_files = 68;
  start();
  hold_all(server);
  const Error error = refusal();
  EXPECT_EQ(error.code, Code::overloaded);
  EXPECT_THAT(error.message, AllOf(HasSubstr("68 open files"), HasSubstr("enough for 4")));
  EXPECT_THAT(std::string(error.hint_or_default()), HasSubstr("LimitNOFILE"));
}

TEST_F(AgentSeatsTest, APlaceThatComesFreeIsTaken) {
  auto& server = serve([](const wire::CryptoRequestView& request) {
    return as_text(request.items.cursor().next()) == "held" ? Act::hold : Act::answer;
  });
  config_.limits.stop_timeout = 10ms;
  start();
  hold_all(server);
  EXPECT_EQ(refusal().code, Code::overloaded);
  holding_.pop_back();
  ASSERT_TRUE(eventually([&] { return client().sign("late").has_value(); }));
}

TEST_F(AgentSeatsTest, StrangersKeepNobodyOut) {
  serve(always(Act::answer));
  config_.programs[0].uid += 1;
  start();
  std::vector<BlockingClient> silent;
  for (std::uint32_t i = 0; i < kPlaces; ++i)
    silent.push_back(must(BlockingClient::connect_unix(config_.socket.string())));
  // Once they have been looked at: told why, not that there is no place.
  EXPECT_TRUE(eventually([&] { return refusal().code == Code::program_unknown; }));
}

// Takes all descriptors of the process but `left`.
class FewDescriptors {
 public:
  explicit FewDescriptors(unsigned left) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit few = before_;
    const int next = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    ::close(next);
    few.rlim_cur = static_cast<rlim_t>(next) + left;
    ::setrlimit(RLIMIT_NOFILE, &few);
  }
  ~FewDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(AgentSeatsTest, WithoutDescriptorsItIsTheLimitThatIsNamed) {
  config_.limits.max_clients = 1024;
  auto& server = serve(always(Act::hold));
  config_.limits.stop_timeout = 10ms;
  start();
  hold_all(server);
  FewDescriptors few(1);  // for the client's own socket
  for (int i = 0; i < 20; ++i) {
    const Error error = refusal();
    EXPECT_EQ(error.code, Code::overloaded);
    EXPECT_THAT(error.message, AllOf(HasSubstr("EMFILE"), HasSubstr("open files")));
  }
}

TEST_F(AgentSeatsTest, WithoutDescriptorsWhoIsIdleGivesItsPlace) {
  config_.limits.max_clients = 1024;
  serve(always(Act::answer));
  start();
  std::vector<Client> idle;
  for (int i = 0; i < 8; ++i) {
    idle.push_back(client());
    must(idle.back().sign("x"));
  }
  FewDescriptors few(1);  // for the client's own socket; to be looked at takes the agent more
  Client late = client();
  EXPECT_EQ(must(late.sign("late")), "late");
}

}  // namespace
}  // namespace nae::agent

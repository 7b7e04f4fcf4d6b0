// How long a PostgreSQL is waited for that does not answer.
#include <arpa/inet.h>
#include <sys/socket.h>

#include <future>

#include "keyserver/store/engines/test_engine.hpp"
#include "keyserver/store/postgresql/connection.hpp"

namespace nae::store {
namespace {

using postgresql::Connection;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

// Takes connections as the kernel does, and says nothing: a server that is frozen.
class Silent {
 public:
  Silent() : listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* any = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_, any, size) != 0 || ::listen(listener_, 8) != 0 ||
        ::getsockname(listener_, any, &size) != 0)
      std::abort();
    port_ = std::to_string(::ntohs(address.sin_port));
  }
  ~Silent() { ::close(listener_); }
  const std::string& port() const { return port_; }

 private:
  int listener_;
  std::string port_;
};

postgresql::Target target_of(const std::string& hosts, const std::string& ports) {
  const auto target = postgresql::read_target("postgresql:///postgres?user=postgres&host=" + hosts +
                                              "&port=" + ports);
  EXPECT_TRUE(target) << target.error().message;
  return *target;
}

std::string shown(Connection& connection, const std::string& setting) {
  auto answer = connection.run("SHOW " + setting, {});
  return answer ? PQgetvalue(answer->get(), 0, 0) : answer.error().message;
}

TEST(ConnectionTest, WhoIsWaitedForByNobodyIsGivenUp) {
  const Silent dark;
  const auto given_up = std::make_shared<std::atomic<bool>>(false);
  postgresql::Target target = target_of("127.0.0.1", dark.port());
  target.given_up = given_up;
  Connection connection(target, milliseconds(60'000), milliseconds(60'000));
  auto connected = std::async(std::launch::async, [&] { return connection.connect(); });
  EXPECT_EQ(connected.wait_for(milliseconds(200)), std::future_status::timeout);
  const auto begun = Clock::now();
  *given_up = true;
  EXPECT_EQ(connected.get().error().code, Code::store_unavailable);
  EXPECT_LT(Clock::now() - begun, milliseconds(1'000));
  EXPECT_EQ(connection.connect().error().code, Code::store_unavailable) << "nor asked any more";
}

TEST(ConnectionTest, AHostThatDoesNotAnswerDoesNotHideTheNextOne) {
  const Silent dark;
  Connection connection(
      target_of("127.0.0.1," + TestPostgresql::get().directory(), dark.port() + ",5432"),
      milliseconds(2'000), milliseconds(5'000));
  auto begun = Clock::now();
  const auto connected = connection.connect();
  ASSERT_TRUE(connected) << connected.error().message;
  EXPECT_LT(Clock::now() - begun, milliseconds(1'900)) << "each host has its part of the time";
  EXPECT_TRUE(connection.run("SELECT 1", {}));
  connection.disconnect();
  begun = Clock::now();
  ASSERT_TRUE(connection.connect());
  EXPECT_LT(Clock::now() - begun, milliseconds(900)) << "the one that answered is asked first";
}

TEST(ConnectionTest, OneThatNeverAnswersIsGivenUp) {
  const Silent dark;
  Connection connection(target_of("127.0.0.1", dark.port()), milliseconds(300),
                        milliseconds(5'000));
  const auto begun = Clock::now();
  const auto connected = connection.connect();
  ASSERT_FALSE(connected);
  EXPECT_EQ(connected.error().code, Code::store_unavailable);
  EXPECT_THAT(connected.error().message, ::testing::HasSubstr("no answer in time"));
  EXPECT_LT(Clock::now() - begun, milliseconds(2'000));
}

TEST(ConnectionTest, WhatTakesLongerIsEndedByTheServerAndWaitedForNoLonger) {
  Connection connection(target_of(TestPostgresql::get().directory(), "5432"), milliseconds(1'000),
                        milliseconds(5'000));
  ASSERT_TRUE(connection.connect());
  const auto slow = connection.run("SELECT pg_sleep(60)", {});
  ASSERT_FALSE(slow);
  EXPECT_THAT(slow.error().message, ::testing::HasSubstr("statement timeout"));
  EXPECT_TRUE(connection.is_connected());
  ASSERT_TRUE(connection.run("SET statement_timeout = 0", {}));
  const auto begun = Clock::now();
  const auto frozen = connection.run("SELECT pg_sleep(2)", {});
  ASSERT_FALSE(frozen);
  EXPECT_THAT(frozen.error().message, ::testing::HasSubstr("no answer in time"));
  EXPECT_LT(Clock::now() - begun, milliseconds(1'900));
  EXPECT_FALSE(connection.is_connected());
}

TEST(ConnectionTest, ALostKeyServerHoldsNobodyUpForLong) {
  Connection connection(target_of(TestPostgresql::get().directory(), "5432"), milliseconds(4'000),
                        milliseconds(5'000));
  ASSERT_TRUE(connection.connect());
  EXPECT_EQ(shown(connection, "statement_timeout"), "3s");
  EXPECT_EQ(shown(connection, "lock_timeout"), "2s");
  EXPECT_EQ(shown(connection, "idle_in_transaction_session_timeout"), "5s");
}

}  // namespace
}  // namespace nae::store

#include "keyserver/protocols/http/http_gate.hpp"

#include <gtest/gtest.h>

#include <list>
#include <vector>

namespace nae::http {
namespace {

using namespace std::chrono_literals;

const HttpGate::TimePoint kStart{};

GateLimits small() {
  GateLimits limits;
  limits.max_connections = 5;
  limits.max_connections_per_certificate = 3;
  limits.requests_per_second = 2;
  limits.request_burst = 4;
  limits.connections_per_second = 1;
  limits.connection_burst = 4;
  return limits;
}

TEST(TokenBucketTest, GivesTheBurstThenTheRate) {
  TokenBucket bucket(2, 3, kStart);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(bucket.take(kStart), 0u);
  EXPECT_EQ(bucket.take(kStart), 1u);
  EXPECT_EQ(bucket.take(kStart + 499ms), 1u);
  EXPECT_EQ(bucket.take(kStart + 500ms), 0u);
  EXPECT_EQ(bucket.take(kStart + 500ms), 1u);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(bucket.take(kStart + 1h), 0u) << "no more than the burst";
  EXPECT_NE(bucket.take(kStart + 1h), 0u);
  EXPECT_NE(bucket.take(kStart), 0u) << "a clock that goes back fills nothing";
}

TEST(TokenBucketTest, SaysWhenToComeAgain) {
  TokenBucket bucket(1, 1, kStart);
  EXPECT_EQ(bucket.take(kStart), 0u);
  EXPECT_EQ(bucket.take(kStart), 1u);
  EXPECT_EQ(bucket.take(kStart + 1s), 0u);
}

TEST(HttpGateTest, OneCertificateTakesItsShareOfPlaces) {
  HttpGate gate(small());
  std::vector<HttpGate::Seat> seats;
  for (int i = 0; i < 3; ++i)
    seats.push_back(gate.enter(Room::administrators, "a", kStart).value());
  EXPECT_EQ(gate.enter(Room::administrators, "a", kStart).error().error.code, Code::limit_exceeded)
      << "one past its share";
  for (int i = 0; i < 2; ++i)
    seats.push_back(gate.enter(Room::administrators, "b", kStart).value());
  EXPECT_EQ(gate.enter(Room::administrators, "b", kStart).error().error.code, Code::overloaded)
      << "all are taken";
  seats.pop_back();
  EXPECT_TRUE(gate.enter(Room::administrators, "b", kStart));
}

// Whoever is removed must not keep those out who remove others.
TEST(HttpGateTest, HalfOfThePlacesAreForAdministrators) {
  GateLimits limits = small();
  limits.max_connections = 7;
  HttpGate gate(limits);
  std::list<HttpGate::Seat> seats;
  for (const char* name : {"db1", "db2", "db3"})
    seats.push_back(gate.enter(Room::devices, name, kStart).value());
  EXPECT_EQ(gate.enter(Room::devices, "db4", kStart).error().error.code, Code::overloaded);
  EXPECT_EQ(gate.enter(Room::door, "gone", kStart).error().error.code, Code::overloaded);
  for (const char* name : {"a", "b", "c", "d"})
    seats.push_back(gate.enter(Room::administrators, name, kStart).value());
  EXPECT_EQ(gate.enter(Room::administrators, "e", kStart).error().error.code, Code::overloaded);
  seats.pop_front();
  seats.push_back(gate.enter(Room::administrators, "e", kStart).value());
  EXPECT_EQ(gate.enter(Room::devices, "db4", kStart).error().error.code, Code::overloaded)
      << "administrators may have them all";
}

TEST(HttpGateTest, WhoIsNotAdmittedWaitsAtTheDoor) {
  GateLimits limits = small();
  limits.max_connections = 64;
  HttpGate gate(limits);
  std::list<HttpGate::Seat> seats;
  for (int i = 0; i < 4; ++i)
    seats.push_back(gate.enter(Room::door, "gone" + std::to_string(i), kStart).value());
  EXPECT_EQ(gate.enter(Room::door, "another", kStart).error().error.code, Code::overloaded);
  EXPECT_TRUE(gate.enter(Room::devices, "db1", kStart)) << "nobody else feels it";
  for (int i = 0; i < 4; ++i) (void)gate.enter(Room::door, "alice", kStart);
  EXPECT_TRUE(gate.enter(Room::administrators, "alice", kStart))
      << "a removed certificate uses up nothing of its name's";
}

TEST(HttpGateTest, TheSmallestGateIsForAdministrators) {
  GateLimits limits = small();
  limits.max_connections = 1;
  HttpGate gate(limits);
  EXPECT_FALSE(gate.enter(Room::devices, "db1", kStart));
  EXPECT_FALSE(gate.enter(Room::door, "gone", kStart));
  EXPECT_TRUE(gate.enter(Room::administrators, "alice", kStart));
}

TEST(HttpGateTest, ConnectingTooOftenIsRefused) {
  HttpGate gate(small());
  for (int i = 0; i < 4; ++i)
    EXPECT_TRUE(gate.enter(Room::administrators, "a", kStart)) << "left again at once";
  EXPECT_EQ(gate.enter(Room::administrators, "a", kStart).error().error.code, Code::limit_exceeded);
  EXPECT_TRUE(gate.enter(Room::administrators, "b", kStart));
  EXPECT_TRUE(gate.enter(Room::administrators, "a", kStart + 1s));
}

TEST(HttpGateTest, RequestsAreCountedACertificateNotAConnection) {
  HttpGate gate(small());
  HttpGate::Seat one = gate.enter(Room::administrators, "a", kStart).value(),
                 two = gate.enter(Room::administrators, "a", kStart).value();
  HttpGate::Seat other = gate.enter(Room::administrators, "b", kStart).value();
  for (int i = 0; i < 4; ++i) EXPECT_EQ(gate.request(i % 2 ? one : two, kStart).retry_after_s, 0u);
  HttpGate::Refusal first = gate.request(one, kStart), second = gate.request(two, kStart);
  EXPECT_EQ(first.retry_after_s, 1u);
  EXPECT_TRUE(first.first);
  EXPECT_FALSE(second.first) << "recorded once, or the log would grow by what is refused";
  EXPECT_EQ(gate.request(other, kStart).retry_after_s, 0u);
  EXPECT_EQ(gate.request(one, kStart + 500ms).retry_after_s, 0u);
  EXPECT_TRUE(gate.request(one, kStart + 500ms).first);
}

TEST(HttpGateTest, ReconnectingDoesNotFillTheBucket) {
  HttpGate gate(small());
  for (int i = 0; i < 4; ++i) {
    HttpGate::Seat seat = gate.enter(Room::administrators, "a", kStart + 10s * i).value();
    for (int k = 0; k < 4; ++k) gate.request(seat, kStart + 10s * i);
    EXPECT_NE(gate.request(seat, kStart + 10s * i).retry_after_s, 0u);
  }
  HttpGate::Seat again = gate.enter(Room::administrators, "a", kStart + 30s).value();
  EXPECT_NE(gate.request(again, kStart + 30s).retry_after_s, 0u);
  for (int i = 0; i < 2000; ++i)
    (void)gate.enter(Room::administrators, "x" + std::to_string(i), kStart + 30s);
  EXPECT_NE(gate.request(again, kStart + 30s).retry_after_s, 0u) << "nor do others";
}

// Whoever is turned away is told when to come again, and takes nobody's place for it.
TEST(HttpGateTest, SeesOutWhoComesTooOften) {
  GateLimits limits;
  limits.connections_per_second = 1;
  limits.connection_burst = 1;
  HttpGate gate(limits);
  EXPECT_TRUE(gate.enter(Room::administrators, "a", kStart));
  auto away = gate.enter(Room::administrators, "a", kStart);
  ASSERT_FALSE(away);
  EXPECT_EQ(away.error().retry_after_s, 1u);
  std::vector<HttpGate::Seat> seats;
  while (auto seat = gate.see_out("a", kStart)) {
    seats.push_back(*std::move(seat));
    ASSERT_LE(seats.size(), 256u);
  }
  EXPECT_EQ(seats.size(), 256u);
  EXPECT_TRUE(gate.see_out("b", kStart)) << "another name has places left";
  EXPECT_TRUE(gate.enter(Room::administrators, "b", kStart)) << "they are beside all others";
  seats.pop_back();
  EXPECT_TRUE(gate.see_out("a", kStart));
}

}  // namespace
}  // namespace nae::http

// How long one message may take, whatever its peer sends in between.
#include "net/receive_deadline.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "net/connection.hpp"
#include "net/unix_stream.hpp"

namespace nae::net {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kMaxOutputBytes = 16u << 10;

// A message ends with '.'; one with '!' in it is answered by more than the peer takes.
class Dotted final : public Protocol {
 public:
  struct Seen {
    int late = 0;
    ReceiveDeadline* deadline = nullptr;
  };
  Dotted(Connection& connection, std::chrono::milliseconds time, Seen& seen)
      : connection_(connection), deadline_(connection, time, [&seen, &connection] {
          ++seen.late;
          connection.close_after_flush();
        }) {
    seen.deadline = &deadline_;
  }
  ByteSpan receive_space() override { return space_; }
  bool received(std::size_t bytes) override {
    const std::string_view text = as_text(ByteView(space_, bytes));
    deadline_.watch(text.back() != '.', text.find('.') != std::string_view::npos);
    if (text.find('!') != std::string_view::npos) connection_.output().resize(4u << 20, 'x');
    return true;
  }
  void closed(const Error&) override { deadline_.cancel(); }

 private:
  Connection& connection_;
  ReceiveDeadline deadline_;
  Byte space_[4096];
};

class ReceiveDeadlineTest : public testing::Test {
 protected:
  ~ReceiveDeadlineTest() override {
    if (connection_) connection_->abort(Error(Code::shutting_down, "the test has ended"));
    connection_.reset();
    loop_.restart();
    loop_.poll();
    ::close(peer_);
  }
  void open(std::chrono::milliseconds time) {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    peer_ = ends[0];
    ConnectionLimits limits;
    limits.max_output_bytes = kMaxOutputBytes;
    connection_ =
        std::make_shared<Connection>(loop_, std::make_unique<UnixStream>(ends[1]), "peer", limits);
    connection_->start([&](Connection& c) { return std::make_unique<Dotted>(c, time, seen_); },
                       [](Connection&, const Error&) {});
    run(0ms);
  }
  void say(std::string_view text) {
    ASSERT_TRUE(::send(peer_, text.data(), text.size(), MSG_NOSIGNAL) ==
                    static_cast<ssize_t>(text.size()) ||
                seen_.late > 0);
    run(0ms);
  }
  // The connection's thread, for a while.
  void run(std::chrono::milliseconds time) {
    loop_.restart();
    if (time == 0ms)
      loop_.poll();
    else
      loop_.run_for(time);
  }
  template <class Condition>
  bool run_until(Condition condition) {
    const auto end = Clock::now() + 60s;
    while (!condition() && Clock::now() < end) run(5ms);
    return condition();
  }
  // Reads what there is.
  void take() {
    static char room[64 << 10];
    while (::recv(peer_, room, sizeof room, MSG_DONTWAIT) > 0) {
    }
  }

  boost::asio::io_context loop_;
  std::shared_ptr<Connection> connection_;
  Dotted::Seen seen_;
  int peer_ = -1;
};

TEST_F(ReceiveDeadlineTest, NoByteInBetweenProlongsIt) {
  open(300ms);
  const auto begun = Clock::now();
  EXPECT_TRUE(run_until([&] {
    say("a");
    return seen_.late > 0;
  }));
  EXPECT_GE(Clock::now() - begun, 300ms);
  EXPECT_EQ(seen_.late, 1);
}

TEST_F(ReceiveDeadlineTest, WhatIsCompleteIsNotLate) {
  open(50ms);
  say("a");
  say("b.");
  run(150ms);  // the span in which it would be
  EXPECT_EQ(seen_.late, 0);
  say("c");
  EXPECT_TRUE(run_until([&] { return seen_.late > 0; })) << "but the next one can be";
}

// The timer is not set anew for each: it finds that another message is under way.
TEST_F(ReceiveDeadlineTest, EachMessageHasItsOwnTime) {
  constexpr auto kTime = 300ms;
  open(kTime);
  auto last = Clock::now();
  const auto begun = last;
  auto longest = Clock::duration::zero();  // a machine that is busy may be late itself
  say("a");
  while (Clock::now() - begun < 3 * kTime) {
    run(10ms);
    say(".b");
    longest = std::max(longest, Clock::now() - std::exchange(last, Clock::now()));
  }
  EXPECT_TRUE(seen_.late == 0 || longest >= kTime);
  EXPECT_TRUE(run_until([&] { return seen_.late > 0; })) << "the last of them does not end";
  EXPECT_GE(Clock::now() - last, kTime - longest);
}

TEST_F(ReceiveDeadlineTest, APeerIsNotLateWhileNobodyReads) {
  constexpr auto kTime = 300ms;
  open(kTime);
  say("a!");
  ASSERT_TRUE(connection_->is_throttled());
  run(2 * kTime);  // the span in which it would be
  EXPECT_EQ(seen_.late, 0);
  // Just before the timer looks again it can go on: it has its whole time from then.
  run(kTime - 60ms);
  ASSERT_TRUE(run_until([&] {
    take();
    return !connection_->is_throttled();
  }));
  const auto free = connection_->throttled_until();
  EXPECT_TRUE(run_until([&] { return seen_.late > 0; }));
  EXPECT_GE(Clock::now() - free, kTime);
}

TEST_F(ReceiveDeadlineTest, AShorterTimeHoldsFromTheNextRead) {
  open(3'600'000ms);
  say("a");
  seen_.deadline->set_time(100ms);
  say("b");
  EXPECT_TRUE(run_until([&] { return seen_.late > 0; }));
}

TEST_F(ReceiveDeadlineTest, NobodyIsLateWhoHasGone) {
  open(50ms);
  say("a");
  connection_->abort(Error(Code::connection_lost, "gone"));
  run(150ms);  // the span in which it would be
  EXPECT_EQ(seen_.late, 0);
}

}  // namespace
}  // namespace nae::net

#include "gateway/deadlines.hpp"

#include <gtest/gtest.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include "gateway/channel.hpp"

namespace nae::gateway {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Two ends of a connection on loopback.
class ChannelLimits : public testing::Test {
 protected:
  ChannelLimits() {
    tcp::acceptor acceptor(loop_, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    far_.connect(acceptor.local_endpoint());
    channel_.emplace(acceptor.accept(), deadlines_);
  }

  // What a read of one byte comes to.
  boost::system::error_code read() {
    boost::system::error_code result;
    char byte = 0;
    asio::async_read(*channel_, asio::buffer(&byte, 1),
                     [&](boost::system::error_code error, std::size_t) {
                       result = error;
                       loop_.stop();
                     });
    loop_.restart();
    loop_.run();
    return channel_->cause_of(result);
  }

  asio::io_context loop_{1};
  Deadlines deadlines_{loop_};
  tcp::socket far_{loop_};
  std::optional<Channel> channel_;
};

TEST_F(ChannelLimits, EndWhatIsNotDoneInTime) {
  const auto began = steady_clock::now();
  const auto limit = channel_->limited_to(milliseconds(120));
  EXPECT_EQ(read(), boost::beast::error::timeout);
  EXPECT_GE(steady_clock::now() - began, milliseconds(120));
  EXPECT_FALSE(channel_->socket().is_open());
}

TEST_F(ChannelLimits, LetThroughWhatIs) {
  asio::write(far_, asio::buffer("x", 1));
  const auto limit = channel_->limited_to(milliseconds(10'000));
  EXPECT_FALSE(read());
  EXPECT_TRUE(channel_->socket().is_open());
}

TEST_F(ChannelLimits, AreOverWithTheirScope) {
  { const auto limit = channel_->limited_to(milliseconds(1)); }
  asio::steady_timer later(loop_, 4 * Deadlines::kTurn);
  later.async_wait([&](boost::system::error_code) { asio::write(far_, asio::buffer("x", 1)); });
  EXPECT_FALSE(read());
  EXPECT_TRUE(channel_->socket().is_open());
}

TEST_F(ChannelLimits, OfOneThatHasLeftAreNobodys) {
  channel_.reset();
  loop_.restart();
  loop_.run();  // it ends: nobody is there to look at
  EXPECT_TRUE(loop_.stopped());
}

}  // namespace
}  // namespace nae::gateway

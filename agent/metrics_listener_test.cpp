#include "agent/metrics_listener.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <thread>

namespace nae::agent {
namespace {

namespace asio = boost::asio;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class MetricsListenerTest : public ::testing::Test {
 protected:
  MetricsListenerTest() {
    auto made = MetricsListener::listen(loop_, {"127.0.0.1", 0}, [this] {
      ++asked_;
      return "a 1\n";
    });
    listener_ = std::move(made).value();
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~MetricsListenerTest() override {
    asio::post(loop_, [this] { listener_.reset(); });
    thread_.join();  // nothing of the listener keeps the loop busy
  }
  asio::ip::tcp::socket visit() {
    asio::ip::tcp::socket socket(visitors_);
    socket.connect({asio::ip::make_address("127.0.0.1"), listener_->port()});
    return socket;
  }
  static std::string rest(asio::ip::tcp::socket& socket) {
    std::string answer;
    boost::system::error_code error;
    asio::read(socket, asio::dynamic_buffer(answer), error);
    return answer;
  }
  std::string ask(std::string_view request) {
    auto socket = visit();
    boost::system::error_code error;
    asio::write(socket, asio::buffer(request), error);
    return rest(socket);
  }

  asio::io_context loop_, visitors_;
  std::atomic<int> asked_ = 0;
  std::unique_ptr<MetricsListener> listener_;
  std::thread thread_;
};

TEST_F(MetricsListenerTest, AnswersAScrape) {
  for (int i = 0; i < 20; ++i) {
    const std::string answer = ask("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(answer, HasSubstr("\r\nContent-Length: 4\r\n"));
    EXPECT_THAT(answer, EndsWith("\r\n\r\na 1\n"));
  }
}

TEST_F(MetricsListenerTest, RefusesEverythingElse) {
  EXPECT_THAT(ask("POST /metrics HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(ask("GET / HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(ask("GET /metricsx HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(ask("GET /metrics HTTP/1.1 x\r\n\r\n"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(ask("\r\n\r\n"), StartsWith("HTTP/1.1 405 "));
  EXPECT_EQ(ask("GET /metrics HTTP/1.1\r\n" + std::string(8 << 10, 'a')), "") << "8 KiB at most";
  EXPECT_EQ(asked_, 0);
}

// Who connects and is silent must not keep the scraper out for longer than a few seconds.
TEST_F(MetricsListenerTest, EndsSilentPeers) {
  std::vector<asio::ip::tcp::socket> silent;
  for (int i = 0; i < 8; ++i) silent.push_back(visit());
  for (auto& socket : silent) EXPECT_EQ(rest(socket), "");
  EXPECT_THAT(ask("GET /metrics HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 200 "));
}

TEST(MetricsListener, RefusesATakenAddress) {
  asio::io_context loop;
  auto first = MetricsListener::listen(loop, {"127.0.0.1", 0}, [] { return std::string(); });
  ASSERT_TRUE(first);
  auto second =
      MetricsListener::listen(loop, {"127.0.0.1", (*first)->port()}, [] { return std::string(); });
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::conflict);
}

}  // namespace
}  // namespace nae::agent

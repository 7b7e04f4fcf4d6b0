#include "keyserver/protocols/http/http_session.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace nae::http {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class HttpSessionTest : public testing::Test {
 protected:
  // Feeds `text` in pieces of `step` bytes until it is used up or a request waits. False as
  // HttpSession::received.
  bool feed(std::string_view text, std::size_t step = SIZE_MAX) {
    while (!text.empty() && !session_.waiting()) {
      ByteSpan space = session_.space();
      EXPECT_FALSE(space.empty());
      std::size_t size = std::min({step, space.size(), text.size()});
      std::copy_n(text.begin(), size, space.begin());
      text.remove_prefix(size);
      if (!session_.received(size, out_)) return false;
    }
    return true;
  }
  bool answer(std::string body) {
    HttpResponse response;
    response.body = std::move(body);
    return session_.answer(response, out_);
  }
  std::string sent() {
    std::string text(as_text(out_));
    out_.clear();
    return text;
  }

  std::vector<HttpRequest> requests_;
  Bytes out_;
  HttpSession session_{[this](HttpRequest&& request) { requests_.push_back(std::move(request)); },
                       HttpLimits{}};
};

constexpr char kGet[] = "GET /v1/keys HTTP/1.1\r\nHost: k\r\n\r\n";

TEST_F(HttpSessionTest, OneByteAtATimeIsTheSame) {
  ASSERT_TRUE(
      feed("POST /v1/keys?a=b HTTP/1.1\r\nHost: k\r\nContent-Type: application/json\r\n"
           "Content-Length: 5\r\n\r\nhello",
           1));
  ASSERT_EQ(requests_.size(), 1u);
  EXPECT_EQ(requests_[0].method, "POST");
  EXPECT_EQ(requests_[0].target, "/v1/keys?a=b");
  EXPECT_EQ(requests_[0].content_type, "application/json");
  EXPECT_EQ(requests_[0].body, "hello");
  EXPECT_TRUE(answer("{}"));
  EXPECT_THAT(sent(), AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("Content-Length: 2\r\n"),
                            HasSubstr("Connection: keep-alive\r\n"), EndsWith("\r\n\r\n{}")));
}

TEST_F(HttpSessionTest, PipelinedRequestsWaitForTheirTurn) {
  ASSERT_TRUE(feed(std::string(kGet) + "GET /2 HTTP/1.1\r\nHost: k\r\n\r\n"));
  ASSERT_EQ(requests_.size(), 1u);
  EXPECT_TRUE(answer("1"));
  ASSERT_EQ(requests_.size(), 2u);
  EXPECT_EQ(requests_[1].target, "/2");
  EXPECT_TRUE(answer("2"));
  EXPECT_FALSE(session_.waiting());
}

TEST_F(HttpSessionTest, ChunkedBodiesAreJoined) {
  ASSERT_TRUE(
      feed("PUT /v1/policy HTTP/1.1\r\nHost: k\r\nTransfer-Encoding: chunked\r\n\r\n"
           "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
           1));
  ASSERT_EQ(requests_.size(), 1u);
  EXPECT_EQ(requests_[0].body, "abcde");
}

TEST_F(HttpSessionTest, TheClientMayAskToClose) {
  ASSERT_TRUE(feed("GET / HTTP/1.1\r\nHost: k\r\nConnection: close\r\n\r\n"));
  EXPECT_FALSE(answer("{}"));
  EXPECT_THAT(sent(), HasSubstr("Connection: close\r\n"));
}

TEST_F(HttpSessionTest, AStoppingServerClosesAfterTheAnswer) {
  ASSERT_TRUE(feed(kGet));
  session_.stop();
  EXPECT_FALSE(answer("{}"));
  EXPECT_THAT(sent(), HasSubstr("Connection: close\r\n"));
}

TEST_F(HttpSessionTest, ContinuesWhoAsksFirst) {
  ASSERT_TRUE(
      feed("PUT / HTTP/1.1\r\nHost: k\r\nExpect: 100-continue\r\n"
           "Content-Length: 2\r\n\r\n"));
  EXPECT_EQ(sent(), "HTTP/1.1 100 Continue\r\n\r\n");
  ASSERT_TRUE(feed("ok"));
  EXPECT_EQ(requests_.size(), 1u);
}

TEST_F(HttpSessionTest, AnAnswerToHeadHasNoBody) {
  ASSERT_TRUE(feed("HEAD /healthz HTTP/1.1\r\nHost: k\r\n\r\n"));
  EXPECT_TRUE(answer("body"));
  EXPECT_THAT(sent(), AllOf(HasSubstr("Content-Length: 4\r\n"), EndsWith("\r\n\r\n")));
}

TEST_F(HttpSessionTest, ARequestThatIsNotCompleteIsToldToHurry) {
  EXPECT_FALSE(session_.reading());
  ASSERT_TRUE(feed("GET / HTT", 1));
  EXPECT_TRUE(session_.reading());
  ASSERT_TRUE(feed("P/1.1\r\nHost: k\r\nContent-Length: 2\r\n\r\no"));
  EXPECT_TRUE(session_.reading());
  session_.expire(out_);
  EXPECT_THAT(sent(), AllOf(StartsWith("HTTP/1.1 408 "), HasSubstr("Connection: close\r\n")));
}

TEST_F(HttpSessionTest, ACompleteOneIsNotLate) {
  ASSERT_TRUE(feed(kGet));
  EXPECT_FALSE(session_.reading());
  answer("{}");
  EXPECT_FALSE(session_.reading());
}

TEST_F(HttpSessionTest, SaysWhenToComeAgain) {
  ASSERT_TRUE(feed(kGet));
  HttpResponse response;
  response.status = 429;
  response.retry_after_s = 7;
  EXPECT_TRUE(session_.answer(response, out_));
  EXPECT_THAT(sent(), AllOf(StartsWith("HTTP/1.1 429 "), HasSubstr("Retry-After: 7\r\n")));
}

struct Malformed {
  const char* why;
  std::string text;
  const char* status;
};
class MalformedTest : public HttpSessionTest, public testing::WithParamInterface<Malformed> {};

TEST_P(MalformedTest, IsRefusedAndTheConnectionEnds) {
  for (std::size_t step : {std::size_t{1}, SIZE_MAX}) {
    HttpSession session([](HttpRequest&&) { FAIL() << "taken for a request"; }, HttpLimits{});
    Bytes out;
    std::string_view text = GetParam().text;
    bool open = true;
    while (open && !text.empty()) {
      ByteSpan space = session.space();
      ASSERT_FALSE(space.empty());
      std::size_t size = std::min({step, space.size(), text.size()});
      std::copy_n(text.begin(), size, space.begin());
      text.remove_prefix(size);
      open = session.received(size, out);
    }
    EXPECT_FALSE(open) << GetParam().why;
    EXPECT_THAT(std::string(as_text(out)),
                AllOf(StartsWith(std::string("HTTP/1.1 ") + GetParam().status),
                      HasSubstr("application/problem+json"), HasSubstr("Connection: close\r\n")));
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, MalformedTest,
    testing::Values(
        Malformed{"no HTTP", "\x16\x03\x01\x02 hello there\r\n\r\n", "400"},
        Malformed{"no version", "GET /\r\nHost: k\r\n\r\n", "4"},
        Malformed{"HTTP/2", "GET / HTTP/2.0\r\nHost: k\r\n\r\n", "505"},
        Malformed{"no host", "GET / HTTP/1.1\r\n\r\n", "400"},
        Malformed{"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400"},
        Malformed{"space before colon", "GET / HTTP/1.1\r\nHost : k\r\n\r\n", "400"},
        Malformed{"NUL in a field", std::string("GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n", 29), "400"},
        Malformed{"two lengths",
                  "PUT / HTTP/1.1\r\nHost: k\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
                  "400"},
        Malformed{"length and chunks",
                  "PUT / HTTP/1.1\r\nHost: k\r\nContent-Length: 1\r\n"
                  "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                  "400"},
        Malformed{"an unknown coding",
                  "PUT / HTTP/1.1\r\nHost: k\r\nTransfer-Encoding: gzip\r\n\r\nGET / HTTP/1.1\r\n"
                  "Host: k\r\n\r\n",
                  "501"},
        Malformed{"chunked within another",
                  "PUT / HTTP/1.1\r\nHost: k\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"
                  "0\r\n\r\n",
                  "400"},
        Malformed{"chunked, identity",
                  "PUT / HTTP/1.1\r\nHost: k\r\nTransfer-Encoding: chunked, identity\r\n\r\n"
                  "0\r\n\r\n",
                  "400"},
        Malformed{"chunked twice",
                  "PUT / HTTP/1.1\r\nHost: k\r\nTransfer-Encoding: chunked\r\n"
                  "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                  "400"},
        Malformed{"identity", "PUT / HTTP/1.1\r\nHost: k\r\nTransfer-Encoding: identity\r\n\r\n",
                  "501"},
        Malformed{"no coding", "PUT / HTTP/1.1\r\nHost: k\r\nTransfer-Encoding:\r\n\r\n", "501"},
        Malformed{"chunks of HTTP/1.0",
                  "PUT / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
        Malformed{"a folded field", "GET / HTTP/1.1\r\nHost: k\r\nX: a\r\n b\r\n\r\n", "400"},
        Malformed{"a field folded by a tab",
                  "GET / HTTP/1.1\r\nHost: k\r\nX: a\r\n\tTransfer-Encoding: chunked\r\n\r\n",
                  "400"},
        Malformed{"a folded request line", "GET / HTTP/1.1\r\n Host: k\r\n\r\n", "400"},
        Malformed{"negative length", "PUT / HTTP/1.1\r\nHost: k\r\nContent-Length: -1\r\n\r\n",
                  "400"},
        Malformed{"bad chunk",
                  "PUT / HTTP/1.1\r\nHost: k\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "400"},
        Malformed{"endless chunk extension",
                  "PUT / HTTP/1.1\r\nHost: k\r\nTransfer-Encoding: chunked\r\n\r\n1;" +
                      std::string(20'000, 'x'),
                  "4"},
        Malformed{"long target", "GET /" + std::string(9'000, 'a') + " HTTP/1.1\r\n", "431"},
        Malformed{"many fields",
                  [] {
                    std::string text = "GET / HTTP/1.1\r\nHost: k\r\n";
                    for (int i = 0; i < 2'000; ++i) text += "A: b\r\n";
                    return text;
                  }(),
                  "431"}));

TEST_F(HttpSessionTest, HeaderLimitIsExact) {
  auto request = [](std::size_t bytes) {
    std::string text = "GET / HTTP/1.1\r\nHost: k\r\nX: ";
    return text + std::string(bytes - text.size() - 4, 'x') + "\r\n\r\n";
  };
  EXPECT_TRUE(feed(request(8192)));
  EXPECT_EQ(requests_.size(), 1u);
  EXPECT_TRUE(answer("{}"));
  EXPECT_FALSE(feed(request(8193)));
  EXPECT_THAT(sent(), HasSubstr("HTTP/1.1 431"));
}

TEST_F(HttpSessionTest, BodyLimitIsExact) {
  auto request = [](std::size_t bytes) {
    return "PUT / HTTP/1.1\r\nHost: k\r\nContent-Length: " + std::to_string(bytes) + "\r\n\r\n" +
           std::string(bytes, 'x');
  };
  EXPECT_TRUE(feed(request(1u << 20)));
  ASSERT_EQ(requests_.size(), 1u);
  EXPECT_EQ(requests_[0].body.size(), 1u << 20);
  EXPECT_TRUE(answer("{}"));
  sent();
  EXPECT_FALSE(feed(request((1u << 20) + 1)));
  EXPECT_THAT(sent(), StartsWith("HTTP/1.1 413"));
}

TEST_F(HttpSessionTest, ChunksDoNotPassTheBodyLimit) {
  std::string chunk = "10000\r\n" + std::string(0x10000, 'x') + "\r\n";
  bool open = feed("PUT / HTTP/1.1\r\nHost: k\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; open && i < 17; ++i) open = feed(chunk);
  EXPECT_FALSE(open);
  EXPECT_THAT(sent(), StartsWith("HTTP/1.1 413"));
}

}  // namespace
}  // namespace nae::http

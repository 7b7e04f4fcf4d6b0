// What a key server answers to a renewal, and what is no answer to it.
#include "agent/renewal_request.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/listener.hpp"
#include "net/test_certificates.hpp"

namespace nae::agent {
namespace {

using namespace std::chrono_literals;
using net::testing::must;
using net::testing::TestAuthority;
using ::testing::HasSubstr;

// Answers the first bytes of a connection with the same text, and ends it where it is told to.
class OneAnswer final : public net::Protocol {
 public:
  OneAnswer(net::Connection& connection, const std::string& text, bool ends, std::string& heard)
      : connection_(connection), text_(text), ends_(ends), heard_(heard) {}
  ByteSpan receive_space() override { return input_; }
  bool received(std::size_t bytes) override {
    heard_.append(reinterpret_cast<const char*>(input_.data()), bytes);
    connection_.output().insert(connection_.output().end(), text_.begin(), text_.end());
    return !ends_;
  }

 private:
  net::Connection& connection_;
  std::string text_;
  bool ends_;
  std::string& heard_;
  Bytes input_ = Bytes(16u << 10);
};

class RenewalRequestTest : public ::testing::Test {
 protected:
  Result<std::string> ask(const std::string& answer, bool ends = true,
                          std::chrono::milliseconds timeout = 30s) {
    net::WorkerThreads workers(1, "test");
    auto listener = must(net::listen_tls(
        workers, must(net::TlsContext::server(authority_.issue(TestAuthority::server()))),
        {{net::kAlpnHttp,
          [&](net::Connection& connection) {
            return std::make_unique<OneAnswer>(connection, answer, ends, heard_);
          }},
         {net::kAlpnNae, [](net::Connection&) { return nullptr; }}},
        {}));
    auto context = must(
        net::TlsContext::client(authority_.issue(TestAuthority::device("db1")), {net::kAlpnHttp}));
    boost::asio::io_context loop(1);
    std::optional<Result<std::string>> got;
    auto attempt = request_renewal(loop, std::move(context), {"127.0.0.1", listener->port()},
                                   timeout, "a\n\"request\"", [&](Result<std::string> certificate) {
                                     EXPECT_FALSE(got) << "answered twice";
                                     got = std::move(certificate);
                                   });
    loop.run_for(60s);
    listener->abort_all(Error(Code::shutting_down, "end of test"));
    listener->stop(10ms);
    workers.stop();
    return got ? *std::move(got) : fail(Code::internal, "never answered");
  }
  static std::string http(unsigned status, const std::string& body) {
    return "HTTP/1.1 " + std::to_string(status) +
           " Any\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  std::string refusal(const std::string& answer, bool ends = true,
                      std::chrono::milliseconds timeout = 30s) {
    auto got = ask(answer, ends, timeout);
    if (got) return "was taken: " + *got;
    EXPECT_THAT(got.error().message, HasSubstr("127.0.0.1:"));
    return got.error().message;
  }

  net::testing::TemporaryDirectory directory_;
  TestAuthority authority_{directory_, "ours"};
  std::string heard_;
};

TEST_F(RenewalRequestTest, AsksAsHttpAndTakesTheCertificate) {
  auto got = ask(http(201, R"({"name":"db1","certificate":"PEM\nPEM"})"));
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(*got, "PEM\nPEM");
  EXPECT_THAT(heard_, ::testing::StartsWith("POST /v1/device/certificate HTTP/1.1\r\n"));
  EXPECT_THAT(heard_, HasSubstr("\r\nContent-Type: application/json\r\n"));
  EXPECT_THAT(heard_, ::testing::EndsWith(R"({"request":"a\n\"request\""})"));
}

TEST_F(RenewalRequestTest, TheServersWordsAreTheError) {
  auto got = ask(http(409, R"({"detail":"too early","hint":"wait"})"));
  ASSERT_FALSE(got);
  EXPECT_THAT(got.error().message, HasSubstr("HTTP 409: too early"));
  EXPECT_EQ(got.error().hint, "wait");
}

TEST_F(RenewalRequestTest, WhatIsNoAnswerIsAnError) {
  EXPECT_THAT(refusal("nonsense\r\n\r\n"), HasSubstr("malformed HTTP"));
  EXPECT_THAT(refusal(http(201, "no JSON")), HasSubstr("no JSON object"));
  EXPECT_THAT(refusal(http(201, "[]")), HasSubstr("no JSON object"));
  EXPECT_THAT(refusal(http(201, R"({"certificate":7})")), HasSubstr("no certificate"));
  EXPECT_THAT(refusal(http(200, R"({"certificate":"PEM"})")), HasSubstr("HTTP 200"));
  EXPECT_THAT(refusal(http(500, "<html>")), HasSubstr("HTTP 500"));
}

TEST_F(RenewalRequestTest, AnswersAreBounded) {
  EXPECT_THAT(refusal("HTTP/1.1 201 " + std::string(20'000, 'a')), HasSubstr("127.0.0.1"));
  EXPECT_THAT(refusal(http(201, std::string((64u << 10) + 1, ' '))), HasSubstr("malformed HTTP"));
}

TEST_F(RenewalRequestTest, HalfAnAnswerAndNoneAreErrors) {
  EXPECT_THAT(refusal("HTTP/1.1 201 Any\r\nContent-Length: 9\r\n\r\n{"), HasSubstr("closed"));
  EXPECT_THAT(refusal("", false, 500ms), HasSubstr("127.0.0.1")) << "its time is bounded";
}

}  // namespace
}  // namespace nae::agent

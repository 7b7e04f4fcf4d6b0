#include "agent/renewal_request.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/json.hpp>
#include <optional>

#include "libnae/base/version.hpp"

namespace nae::agent {
namespace {

namespace http = boost::beast::http;
namespace json = boost::json;

constexpr std::size_t kReadBytes = 16u << 10;
constexpr std::uint32_t kMaxHeaderBytes = 8u << 10;
constexpr std::uint64_t kMaxBodyBytes = 64u << 10;  // certificate and authority have about two
constexpr unsigned kCreated = 201;

std::string member(const json::object& body, std::string_view name) {
  const json::value* found = body.if_contains(name);
  return found && found->is_string() ? std::string(found->get_string()) : std::string();
}

Result<std::string> certificate_in(unsigned status, std::string_view text) {
  boost::system::error_code error;
  const json::value body = json::parse(text, error);
  if (error || !body.is_object())
    return fail(Code::protocol_violation,
                "the answer (HTTP " + std::to_string(status) + ") is no JSON object");
  if (status != kCreated)
    return fail(
        Code::denied,
        "refused, HTTP " + std::to_string(status) + ": " + member(body.get_object(), "detail"),
        member(body.get_object(), "hint"));
  std::string certificate = member(body.get_object(), "certificate");
  if (certificate.empty()) return fail(Code::protocol_violation, "the answer holds no certificate");
  return certificate;
}

std::string request_text(const std::string& host, const std::string& request_pem) {
  const std::string body = json::serialize(json::object{{"request", request_pem}});
  return "POST /v1/device/certificate HTTP/1.1\r\nHost: " + host +
         "\r\nUser-Agent: " + software("nae-agent") +
         "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\nConnection: close\r\n\r\n" + body;
}

// What the protocol leaves for the end of the connection.
using Answer = std::optional<Result<std::string>>;

class RenewalProtocol final : public net::Protocol {
 public:
  RenewalProtocol(net::Connection& connection, const std::string& request,
                  std::shared_ptr<Answer> answer)
      : answer_(std::move(answer)), input_(kReadBytes) {
    parser_.header_limit(kMaxHeaderBytes);
    parser_.body_limit(kMaxBodyBytes);
    parser_.eager(true);
    connection.output().insert(connection.output().end(), request.begin(), request.end());
    connection.flush_soon();
  }

  ByteSpan receive_space() override { return ByteSpan(input_).subspan(filled_); }
  bool received(std::size_t bytes) override {
    filled_ += bytes;
    boost::system::error_code error;
    const std::size_t taken = parser_.put(boost::asio::buffer(input_.data(), filled_), error);
    std::copy(input_.begin() + static_cast<std::ptrdiff_t>(taken),
              input_.begin() + static_cast<std::ptrdiff_t>(filled_), input_.begin());
    filled_ -= taken;
    if (error && error != http::error::need_more) return end("malformed HTTP: " + error.message());
    if (parser_.is_done()) {
      *answer_ = certificate_in(parser_.get().result_int(), parser_.get().body());
      return false;
    }
    return filled_ < input_.size() || end("a line of the answer is too long");
  }

 private:
  bool end(std::string why) {
    *answer_ = fail(Code::protocol_violation, std::move(why));
    return false;
  }

  std::shared_ptr<Answer> answer_;
  http::response_parser<http::string_body> parser_;
  Bytes input_;
  std::size_t filled_ = 0;  // how much of `input_` was read and not yet parsed
};

}  // namespace

std::shared_ptr<net::ConnectAttempt> request_renewal(
    boost::asio::io_context& loop, net::TlsContext context, const net::Endpoint& server,
    std::chrono::milliseconds timeout, const std::string& request_pem, OnRenewalAnswer done) {
  net::ConnectionLimits limits;
  limits.handshake_timeout = timeout;
  limits.idle_timeout = timeout;
  auto answer = std::make_shared<Answer>();
  return net::connect_tls(
      loop, std::move(context), server, limits,
      [answer,
       request = request_text(net::to_string(server), request_pem)](net::Connection& connection) {
        return std::make_unique<RenewalProtocol>(connection, request, answer);
      },
      [answer, done = std::move(done), name = net::to_string(server)](const Error& reason) {
        if (!*answer) return done(fail(reason));
        if (**answer) return done(**answer);
        Error error = (*answer)->error();
        error.message = name + ": " + error.message;
        done(fail(std::move(error)));
      });
}

}  // namespace nae::agent

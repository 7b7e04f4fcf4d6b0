#include "keyserver/protocols/http/http_session.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/string_body.hpp>
#include <ctime>
#include <iterator>

namespace nae::http {
namespace {

namespace http = boost::beast::http;

// Beast parses a header only when it has it whole, so the input holds more than the longest.
constexpr std::size_t kInputBytes = 16u << 10;

unsigned status_of(const boost::system::error_code& error) {
  if (error == http::error::header_limit) return 431;
  if (error == http::error::body_limit) return 413;
  if (error == http::error::bad_version) return 505;
  return 400;
}

// RFC 9112 section 5.2: a line that goes on on the next one. What is between this server and its
// client may read the fields otherwise than Beast does, which takes them.
bool has_folded_field(ByteView text) {
  std::string_view rest = as_text(text);
  rest = rest.substr(0, rest.find("\r\n\r\n"));
  for (std::size_t at = rest.find('\n'); at != std::string_view::npos; at = rest.find('\n', at + 1))
    if (at + 1 < rest.size() && (rest[at + 1] == ' ' || rest[at + 1] == '\t')) return true;
  return false;
}

// RFC 9112 section 6.1: 501 for codings that are not understood. Beast takes any of them, and the
// body by chunked where that is the last, or as if there were none. 0: it is good.
template <class Message>
unsigned transfer_coding_refusal(const Message& message) {
  const auto fields = message.equal_range(http::field::transfer_encoding);
  if (fields.first == fields.second) return 0;
  if (std::distance(fields.first, fields.second) > 1 || message.version() < 11) return 400;
  const std::string_view value = fields.first->value();
  if (boost::beast::iequals(value, "chunked")) return 0;
  bool names_chunked = false;
  for (const auto& coding : http::token_list(value))
    names_chunked = names_chunked || boost::beast::iequals(coding, "chunked");
  return names_chunked ? 400 : 501;
}

std::string http_date() {
  std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[64];  // RFC 9110 section 5.6.7; the C locale is never changed
  return std::string(text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts));
}

}  // namespace

struct HttpSession::Parser {
  http::request_parser<http::string_body> http;
  std::size_t header_bytes = 0;  // taken while the header was not complete
  bool continued = false;        // 100 Continue was sent
};

HttpSession::HttpSession(OnRequest on_request, HttpLimits limits)
    : on_request_(std::move(on_request)), limits_(limits), input_(kInputBytes) {}

HttpSession::~HttpSession() = default;

ByteSpan HttpSession::space() {
  return ByteSpan(input_).subspan(filled_);
}

bool HttpSession::received(std::size_t bytes, Bytes& out) {
  filled_ += bytes;
  return waiting_ || parse(out);
}

bool HttpSession::answer(const HttpResponse& response, Bytes& out) {
  bool keep = keep_alive_ && !stopping_;
  write(response, keep, out);
  waiting_ = false;
  return keep && parse(out);
}

bool HttpSession::parse(Bytes& out) {
  while (filled_ > 0) {
    if (!parser_) {
      parser_ = std::make_unique<Parser>();
      parser_->http.header_limit(static_cast<std::uint32_t>(limits_.header_bytes));
      parser_->http.body_limit(limits_.body_bytes);
      parser_->http.eager(true);
    }
    auto& parser = parser_->http;
    // Beast bounds the request line and the fields each; the limit here is on both together.
    bool in_header = !parser.is_header_done();
    std::size_t offered =
        in_header ? std::min(filled_, limits_.header_bytes - parser_->header_bytes) : filled_;
    boost::system::error_code error;
    if (in_header && has_folded_field(ByteView(input_).first(offered)))
      return refuse(Error(Code::protocol_violation, "a field of the header is folded"), 400, out);
    std::size_t taken = parser.put(boost::asio::buffer(input_.data(), offered), error);
    std::copy(input_.begin() + static_cast<std::ptrdiff_t>(taken),
              input_.begin() + static_cast<std::ptrdiff_t>(filled_), input_.begin());
    filled_ -= taken;
    if (in_header) parser_->header_bytes += taken;
    if (error && error != http::error::need_more)
      return refuse(Error(Code::protocol_violation, "malformed HTTP: " + error.message()),
                    status_of(error), out);

    if (!parser.is_header_done() && offered - taken + parser_->header_bytes >= limits_.header_bytes)
      return refuse(Error(Code::protocol_violation, "the header is too long"), 431, out);
    if (parser.is_header_done() && !parser_->continued) {
      parser_->continued = true;
      if (parser.get().version() >= 11 && parser.get().count(http::field::host) != 1)
        return refuse(Error(Code::protocol_violation, "the request must name one host"), 400, out);
      if (const unsigned status = transfer_coding_refusal(parser.get()))
        return refuse(Error(Code::protocol_violation, "chunked, once, is the only transfer coding"),
                      status, out);
      if (!parser.is_done() &&
          boost::beast::iequals(parser.get()[http::field::expect], "100-continue")) {
        std::string_view interim = "HTTP/1.1 100 Continue\r\n\r\n";
        out.insert(out.end(), interim.begin(), interim.end());
      }
    }
    if (parser.is_done()) {
      auto message = parser.release();
      parser_.reset();
      keep_alive_ = message.keep_alive();
      is_head_ = message.method() == http::verb::head;
      waiting_ = true;
      // What GET answers, without its body (RFC 9110 section 9.3.2).
      on_request_({is_head_ ? "GET" : std::string(message.method_string()),
                   std::string(message.target()), std::string(message[http::field::content_type]),
                   std::move(message.body())});
      return true;
    }
    if (filled_ == input_.size())
      return refuse(Error(Code::protocol_violation, "a line of the request is too long"), 431, out);
    bool saw_all = offered == filled_ + taken;
    if (saw_all && (taken == 0 || error == http::error::need_more)) return true;
  }
  return true;
}

void HttpSession::expire(Bytes& out) {
  refuse(Error(Code::timeout, "the request was not complete in time",
               "Send header and body without pauses."),
         408, out);
}

bool HttpSession::refuse(const Error& error, unsigned http_status, Bytes& out) {
  is_head_ = false;
  write(problem(error, http_status), false, out);
  return false;
}

void HttpSession::write(const HttpResponse& response, bool keep, Bytes& out) const {
  std::string head = "HTTP/1.1 " + std::to_string(response.status) + ' ';
  head += std::string_view(http::obsolete_reason(http::status(response.status)));
  head += "\r\nDate: " + http_date() + "\r\nContent-Type: " + response.content_type +
          "\r\nContent-Length: " + std::to_string(response.body.size()) +
          "\r\nCache-Control: no-store\r\n";
  if (!response.allow.empty()) head += "Allow: " + response.allow + "\r\n";
  if (response.retry_after_s != 0)
    head += "Retry-After: " + std::to_string(response.retry_after_s) + "\r\n";
  head += keep ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
  out.insert(out.end(), head.begin(), head.end());
  if (!is_head_) out.insert(out.end(), response.body.begin(), response.body.end());
}

}  // namespace nae::http

#include "gateway/outgoing.hpp"

#include <gtest/gtest.h>

#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

namespace nae::gateway {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

http::response<http::string_body> answer() {
  http::response<http::string_body> message(http::status::ok, 11);
  message.set("X-Name", "value");
  return message;
}

std::string text(const Outgoing::Parts& parts) {
  return beast::buffers_to_string(parts);
}

// What Beast's parser makes of it.
std::string body_of(const std::string& sent) {
  http::response_parser<http::string_body> parser;
  parser.eager(true);
  boost::system::error_code error;
  const std::size_t read = parser.put(asio::buffer(sent), error);
  EXPECT_FALSE(error) << error.message();
  EXPECT_EQ(read, sent.size());
  EXPECT_TRUE(parser.is_done());
  return parser.get().body();
}

TEST(Outgoing, SendsTheHeaderOnceWithTheFirstPiece) {
  auto message = answer();
  message.content_length(6);
  Outgoing outgoing(message, false);
  const std::string first = text(outgoing.next(asio::buffer("abc", 3), true));
  const std::string last = text(outgoing.next(asio::buffer("def", 3), false));
  EXPECT_EQ(first, header_text(message) + "abc");
  EXPECT_EQ(last, "def");
  EXPECT_EQ(body_of(first + last), "abcdef");
}

TEST(Outgoing, SendsChunksWhereNobodyKnowsTheLength) {
  auto message = answer();
  message.chunked(true);
  Outgoing outgoing(message, true);
  const std::string large(300, 'x');
  std::string sent = text(outgoing.next({}, true));  // before there is any of the body
  EXPECT_EQ(sent, header_text(message));
  sent += text(outgoing.next(asio::buffer(large), true));
  sent += text(outgoing.next(asio::buffer("end", 3), false));
  EXPECT_EQ(sent, header_text(message) + "12c\r\n" + large + "\r\n3\r\nend\r\n0\r\n\r\n");
  EXPECT_EQ(body_of(sent), large + "end");
}

// A body of which the end alone is left, and one without any byte.
TEST(Outgoing, EndsChunksWithoutAPiece) {
  auto message = answer();
  message.chunked(true);
  Outgoing outgoing(message, true);
  const std::string first = text(outgoing.next(asio::buffer("a", 1), true));
  EXPECT_EQ(text(outgoing.next({}, false)), "0\r\n\r\n");
  EXPECT_EQ(body_of(first + "0\r\n\r\n"), "a");
  Outgoing empty(message, true);
  EXPECT_EQ(body_of(text(empty.next({}, false))), "");
}

}  // namespace
}  // namespace nae::gateway

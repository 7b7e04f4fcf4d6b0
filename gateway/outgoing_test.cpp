#include "gateway/outgoing.hpp"

#include <gtest/gtest.h>

#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "gateway/header_text.hpp"

namespace nae::gateway {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

std::string header(std::string_view name, std::string_view value) {
  HeaderText text = HeaderText::of_answer(200, "OK");
  text.add(name, value);
  return std::move(text).finish();
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
  const std::string message = header("Content-Length", "6");
  Outgoing outgoing(message, false);
  const std::string first = text(outgoing.next(asio::buffer("abc", 3), true));
  const std::string last = text(outgoing.next(asio::buffer("def", 3), false));
  EXPECT_EQ(first, message + "abc");
  EXPECT_EQ(last, "def");
  EXPECT_EQ(body_of(first + last), "abcdef");
}

TEST(Outgoing, SendsChunksWhereNobodyKnowsTheLength) {
  const std::string message = header("Transfer-Encoding", "chunked");
  Outgoing outgoing(message, true);
  const std::string large(300, 'x');
  std::string sent = text(outgoing.next({}, true));  // before there is any of the body
  EXPECT_EQ(sent, message);
  sent += text(outgoing.next(asio::buffer(large), true));
  sent += text(outgoing.next(asio::buffer("end", 3), false));
  EXPECT_EQ(sent, message + "12c\r\n" + large + "\r\n3\r\nend\r\n0\r\n\r\n");
  EXPECT_EQ(body_of(sent), large + "end");
}

// A body of which the end alone is left, and one without any byte.
TEST(Outgoing, EndsChunksWithoutAPiece) {
  const std::string message = header("Transfer-Encoding", "chunked");
  Outgoing outgoing(message, true);
  const std::string first = text(outgoing.next(asio::buffer("a", 1), true));
  EXPECT_EQ(text(outgoing.next({}, false)), "0\r\n\r\n");
  EXPECT_EQ(body_of(first + "0\r\n\r\n"), "a");
  Outgoing empty(message, true);
  EXPECT_EQ(body_of(text(empty.next({}, false))), "");
}

}  // namespace
}  // namespace nae::gateway

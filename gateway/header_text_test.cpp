#include "gateway/header_text.hpp"

#include <gtest/gtest.h>

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/write.hpp>
#include <sstream>

namespace nae::gateway {
namespace {

namespace http = boost::beast::http;

// What Beast writes of the same message.
template <class Message>
std::string written_by_beast(const Message& message) {
  std::ostringstream out;
  out << message;
  return out.str();
}

TEST(HeaderText, IsWhatBeastWritesOfARequest) {
  http::request<http::empty_body> message;
  message.version(11);
  message.method_string("PROPFIND");
  message.target("/a%20b?c=d");
  message.insert(http::field::host, "shop.example");
  message.insert("X-Twice", "one");
  message.insert("X-Twice", "two");
  message.insert("X-Empty", "");
  message.content_length(3);
  EXPECT_EQ(header_text(message.base()), written_by_beast(message));
}

TEST(HeaderText, IsWhatBeastWritesOfAnAnswer) {
  http::response<http::empty_body> message;
  message.version(11);
  message.result(404);
  EXPECT_EQ(header_text(message.base()), written_by_beast(message));
  message.result(299);
  message.reason("So it is");
  message.insert("Set-Cookie", "a=1");
  message.insert("Set-Cookie", "b=2");
  message.keep_alive(false);
  EXPECT_EQ(header_text(message.base()), written_by_beast(message));
}

TEST(HeaderText, IsReadAsWhatWasRead) {
  const std::string sent =
      "POST /x HTTP/1.1\r\nHost: a\r\nX-Folded: one\r\n  two\r\nX-Bytes: \xc3\xa9\r\n"
      "Content-Length: 0\r\n\r\n";
  http::request_parser<http::empty_body> parser;
  boost::system::error_code error;
  parser.put(boost::asio::buffer(sent), error);
  ASSERT_FALSE(error) << error.message();
  const std::string text = header_text(parser.get().base());
  EXPECT_EQ(text.find("\r\n "), std::string::npos) << "what was folded stands in one line";
  http::request_parser<http::empty_body> again;
  again.put(boost::asio::buffer(text), error);
  ASSERT_FALSE(error) << error.message();
  EXPECT_EQ(again.get()["X-Folded"], parser.get()["X-Folded"]);
  EXPECT_EQ(again.get()["X-Bytes"], "\xc3\xa9");
}

}  // namespace
}  // namespace nae::gateway

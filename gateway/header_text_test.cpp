#include "gateway/header_text.hpp"

#include <gtest/gtest.h>

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/write.hpp>
#include <limits>
#include <sstream>
#include <utility>

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
  HeaderText text = HeaderText::of_request("PROPFIND", "/a%20b?c=d");
  for (const auto& [name, value] : {std::pair("Host", "shop.example"), std::pair("X-Twice", "one"),
                                    std::pair("X-Twice", "two"), std::pair("X-Empty", "")}) {
    message.insert(name, value);
    text.add(name, std::string_view(value));
  }
  message.content_length(3);
  text.add("Content-Length", std::size_t{3});
  EXPECT_EQ(std::move(text).finish(), written_by_beast(message));
}

TEST(HeaderText, IsWhatBeastWritesOfAnAnswer) {
  http::response<http::empty_body> message;
  message.version(11);
  message.result(404);
  EXPECT_EQ(HeaderText::of_answer(404, "Not Found").finish(), written_by_beast(message));
  message.result(299);
  message.reason("So it is");
  message.insert("Set-Cookie", "a=1");
  message.content_length(std::numeric_limits<std::uint64_t>::max());
  HeaderText text = HeaderText::of_answer(299, "So it is");
  text.add("Set-Cookie", "a=1");
  text.add("Content-Length", std::numeric_limits<std::size_t>::max());
  EXPECT_EQ(std::move(text).finish(), written_by_beast(message));
}

}  // namespace
}  // namespace nae::gateway

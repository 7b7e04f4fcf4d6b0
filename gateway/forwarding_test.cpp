#include "gateway/forwarding.hpp"

#include <gtest/gtest.h>

namespace nae::gateway {
namespace {

http::request_header<> header_of(std::string_view method) {
  http::request_header<> header;
  header.version(11);
  header.method_string({method.data(), method.size()});
  header.target("/");
  header.set(http::field::host, "shop.example");
  return header;
}

// The name of the refusal.
std::string checked(const http::request_header<>& header) {
  const auto good = check_header(header);
  return good ? "good" : std::string(good.error().name);
}

TEST(CheckHeader, TakesKnownMethodsInUpperCase) {
  for (const char* method : {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
    EXPECT_EQ(checked(header_of(method)), "good") << method;
  for (const char* method : {"post", "Post", "poST", "get", "POSTS", "X"})
    EXPECT_EQ(checked(header_of(method)), "method_unknown") << method;
  EXPECT_EQ(checked(header_of("TRACE")), "method_unsupported");
}

TEST(CheckHeader, RefusesOtherSpellingsOfFramingAndContent) {
  const auto with = [](const char* name) {
    auto header = header_of("POST");
    header.insert(name, "1");
    return checked(header);
  };
  for (const char* name :
       {"Content_Length", "content_type", "Content_Encoding", "CONTENT_MD5", "Transfer_Encoding",
        "Transfer.Encoding", "Proxy_Connection", "Content.Type", "Keep_Alive"})
    EXPECT_EQ(with(name), "header_ambiguous") << name;
  for (const char* name : {"X-Original-URL", "x_original_url", "X-Rewrite-Url"})
    EXPECT_EQ(with(name), "path_override") << name;
  for (const char* name : {"X_Own", "Cookie", "Content-Language", "Sec-Fetch-Mode"})
    EXPECT_EQ(with(name), "good") << name;
}

}  // namespace
}  // namespace nae::gateway

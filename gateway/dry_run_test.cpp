#include "gateway/dry_run.hpp"

#include <gtest/gtest.h>

#include <array>
#include <sstream>

#include "libnae/toml/fields.hpp"

namespace nae::gateway {
namespace {

RouteTable sign_up_table() {
  constexpr std::string_view kRoutes = R"(
[[route]]
name = "sign-up"
hosts = ["shop.example"]
methods = ["POST"]
path = "/customers"
role = "web"
[[route.field]]
json = "$.card"
action = "encrypt"
key = "card"
)";
  auto document = toml_fields::parse(kRoutes, "routes", Code::config_invalid);
  EXPECT_TRUE(document.has_value());
  toml_fields::Fields fields(*document, "routes", "", Code::config_invalid);
  auto routes = read_routes(fields, "routes");
  EXPECT_TRUE(routes.has_value());
  return *std::move(routes);
}

std::string request(std::string_view first_line, std::string_view host, std::size_t length,
                    std::string_view body) {
  return std::string(first_line) + " HTTP/1.1\r\nHost: " + std::string(host) +
         "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(length) +
         "\r\n\r\n" + std::string(body);
}

std::string printed(std::string_view text) {
  std::ostringstream out;
  print_rewritten(text, sign_up_table(), out);
  return out.str();
}

TEST(DryRun, EndsWithARequestThatEndsEarly) {
  for (const std::string_view body : {"", "{\"card\"", "{\"card\":\"4\""}) {
    const std::string text = request("POST /customers", "shop.example", 12, body);
    EXPECT_NE(printed(text).find("refused: 400"), std::string::npos) << printed(text);
    std::ostringstream out;
    EXPECT_FALSE(print_uncovered(text, sign_up_table(), out));
    EXPECT_NE(out.str().find("request 1 cannot be read"), std::string::npos) << out.str();
  }
  EXPECT_NE(printed("POST /customers HTTP/1.1\r\nHost: shop.ex").find("refused: 400"),
            std::string::npos);
}

TEST(DryRun, ChoosesTheRouteAsARequestWould) {
  const std::string body = R"({"card":"4"})";
  EXPECT_NE(printed(request("POST /customers", "shop.example", body.size(), body))
                .find(R"({"card":"nae1:json $.card"})"),
            std::string::npos);
  for (const auto& [line, host, name] : std::initializer_list<std::array<const char*, 3>>{
           {"post /customers", "shop.example", "method_unknown"},
           {"POST /customers", "127.0.0.1", "host_unclaimed"},
           {"PUT /customers?_method=POST", "shop.example", "method_override"},
           {"POST /customers.json", "shop.example", "path_ambiguous"}})
    EXPECT_NE(printed(request(line, host, body.size(), body)).find(name), std::string::npos)
        << line << " " << printed(request(line, host, body.size(), body));
}

TEST(DryRun, SaysWhatIsAnUpgrade) {
  auto document =
      toml_fields::parse("[[route]]\nname = \"live\"\npath = \"/live\"\nupgrade = \"websocket\"\n",
                         "routes", Code::config_invalid);
  ASSERT_TRUE(document.has_value());
  toml_fields::Fields fields(*document, "routes", "", Code::config_invalid);
  const auto routes = read_routes(fields, "routes");
  ASSERT_TRUE(routes.has_value());
  const auto printed_of = [&](const std::string& lines) {
    std::ostringstream out;
    print_rewritten(lines + "Host: shop.example\r\n\r\n", *routes, out);
    return out.str();
  };
  const std::string asks = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
  EXPECT_NE(printed_of("GET /live HTTP/1.1\r\n" + asks).find("# of an upgrade to websocket"),
            std::string::npos);
  EXPECT_EQ(printed_of("GET /live HTTP/1.1\r\n").find("# of an upgrade"), std::string::npos);
  EXPECT_NE(printed_of("GET /live HTTP/1.1\r\nUpgrade: websocket\r\n").find("upgrade_malformed"),
            std::string::npos);
  EXPECT_NE(printed_of("POST /live HTTP/1.1\r\n" + asks).find("# route none"), std::string::npos)
      << "of a route with nothing but an upgrade";
}

}  // namespace
}  // namespace nae::gateway

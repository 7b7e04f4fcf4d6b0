#include "gateway/route_choice.hpp"

#include <gtest/gtest.h>

namespace nae::gateway {
namespace {

Route route_of(std::string name, std::string host, std::string method, std::string path) {
  Route route;
  route.name = std::move(name);
  if (!host.empty()) route.hosts = {std::move(host)};
  if (!method.empty()) route.methods = {std::move(method)};
  route.path = std::move(path);
  return route;
}

RouteTable hosts_table() {
  std::vector<Route> routes;
  routes.push_back(route_of("shop", "shop.example", "POST", "/customers"));
  routes.push_back(route_of("office", "office.example", "POST", "/customers"));
  routes.push_back(route_of("search", "", "GET", "/search"));
  routes.push_back(route_of("item", "", "", "/items"));
  routes.push_back(route_of("below", "", "", "/items/*"));
  routes.push_back(route_of("pages", "", "", "/pages/*"));
  routes.push_back(route_of("matrix", "", "", "/a/b"));
  auto made = RouteTable::make(std::move(routes));
  EXPECT_TRUE(made.has_value());
  return *std::move(made);
}

struct Asked {
  http::verb method = http::verb::post;
  std::string_view target = "/customers";
  std::vector<HeaderView> headers;
  bool is_trusted = false;
};

// The route's name, "-" for none, or the name of the refusal.
std::string chosen(const Asked& asked) {
  static const RouteTable kRoutes = hosts_table();
  http::request_header<> header;
  header.version(11);
  header.method(asked.method);
  header.target({asked.target.data(), asked.target.size()});
  for (const auto& [name, value] : asked.headers)
    header.insert(std::string(name), std::string(value));
  auto target = parse_target(asked.target);
  if (!target) return std::string(target.error().name);
  Client client{"127.0.0.1", false, asked.is_trusted};
  auto route = choose_route(kRoutes, header, end_to_end(header), *target, client);
  if (!route) return std::string(route.error().name);
  return *route ? (*route)->name : "-";
}

TEST(ChooseRoute, LetsNoOtherHostPassByARoute) {
  const auto of_host = [](std::string_view host) {
    return chosen({http::verb::post, "/customers", {{"Host", host}}});
  };
  EXPECT_EQ(of_host("shop.example"), "shop");
  EXPECT_EQ(of_host("SHOP.example.:80"), "shop");
  for (const std::string_view host :
       {"other.example", "127.0.0.1", "[::1]:80", "shop.example..", "a.shop.example", ""})
    EXPECT_EQ(of_host(host), "host_unclaimed") << host;
  EXPECT_EQ(chosen({http::verb::post, "/customers", {}}), "host_unclaimed");  // HTTP/1.0
  EXPECT_EQ(chosen({http::verb::get, "/customers", {{"Host", "other.example"}}}), "-");
  EXPECT_EQ(chosen({http::verb::post, "/other", {{"Host", "other.example"}}}), "-");
  EXPECT_EQ(chosen({http::verb::get, "/search", {{"Host", "other.example"}}}), "search");
}

TEST(ChooseRoute, BelievesTrustedProxiesAlone) {
  const std::vector<HeaderView> inner = {{"Host", "10.0.0.1"},
                                         {"X-Forwarded-Host", "shop.example"}};
  EXPECT_EQ(chosen({http::verb::post, "/customers", inner, true}), "shop");
  EXPECT_EQ(chosen({http::verb::post, "/customers", inner, false}), "host_unclaimed");
  EXPECT_EQ(chosen({http::verb::post,
                    "/customers",
                    {{"Host", "a"}, {"Forwarded", "for=1;Host=\"shop.example\""}},
                    true}),
            "shop");
  const std::vector<HeaderView> both = {{"Host", "shop.example"},
                                        {"X-Forwarded-Host", "a, office.example"}};
  EXPECT_EQ(chosen({http::verb::post, "/customers", both, true}), "host_ambiguous");
  EXPECT_EQ(chosen({http::verb::post, "/customers", both, false}), "shop");
}

TEST(ChooseRoute, RefusesAnotherMethodOnAClaimedPath) {
  for (const char* name :
       {"X-HTTP-Method-Override", "X_HTTP_Method_Override", "x-method_override", "X-Http-Method"})
    EXPECT_EQ(chosen({http::verb::put, "/search", {{"Host", "a"}, {name, "GET"}}}),
              "method_override")
        << name;
  for (const std::string_view target : {"/search?_method=GET", "/search?a=1&%5Fmethod=GET",
                                        "/search?_method[]=GET", "/search?a=%4;_METHOD=GET"})
    EXPECT_EQ(chosen({http::verb::put, target, {{"Host", "a"}}}), "method_override") << target;
  // Under a host and with a suffix that the route does not have.
  EXPECT_EQ(chosen({http::verb::put, "/customers?_method=POST", {{"Host", "127.0.0.1"}}}),
            "method_override");
  EXPECT_EQ(chosen({http::verb::put, "/customers.json?_method=POST", {{"Host", "a"}}}),
            "method_override");
  EXPECT_EQ(chosen({http::verb::get, "/search?method=GET&a=_method", {{"Host", "a"}}}), "search");
  EXPECT_EQ(chosen({http::verb::put, "/other?_method=GET", {{"Host", "a"}}}), "-");
}

TEST(ChooseRoute, ComparesThePathAsEachReaderWould) {
  const auto of_path = [](std::string_view path) {
    return chosen({http::verb::post, path, {{"Host", "a"}}});
  };
  EXPECT_EQ(of_path("/pages/1;x"), "pages");
  EXPECT_EQ(of_path("/pages/"), "pages");  // '*' takes the empty name
  EXPECT_EQ(of_path("/pages"), "-");
  EXPECT_EQ(of_path("/items"), "item");
  EXPECT_EQ(of_path("/items;x"), "item");
  EXPECT_EQ(of_path("/items/"), "path_ambiguous");
  EXPECT_EQ(of_path("/a;v=1/b"), "matrix");
  EXPECT_EQ(of_path("/items.json"), "path_ambiguous");
  EXPECT_EQ(of_path("/ITEMS.JSON;x"), "path_ambiguous");
  EXPECT_EQ(of_path("/pages/1.json"), "pages");
  EXPECT_EQ(of_path("/other.json"), "-");
}

}  // namespace
}  // namespace nae::gateway

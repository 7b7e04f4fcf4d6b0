#include "gateway/inspection/inspection.hpp"

#include <gtest/gtest.h>

#include "gateway/inspection/form_scanner.hpp"
#include "libnae/toml/fields.hpp"

namespace nae::gateway {
namespace {

constexpr std::string_view kRoutes = R"(
[[route]]
name = "json"
hosts = ["shop.example"]
methods = ["POST"]
path = "/customers"
role = "web"
[[route.field]]
json = "$.card"
action = "encrypt"
key = "card"
[[route.field]]
json = "$.more[*].note"
action = "encrypt"
key = "note"
[[route.field]]
json = "/pin"
action = "refuse"
[[route.field]]
header = "X-Card"
action = "encrypt"
key = "card"
[[route.field]]
query = "card"
action = "encrypt"
key = "card"
[[route.detector]]
kind = "iban"
action = "encrypt"
key = "iban"

[[route]]
name = "form"
path = "/form*"
role = "web"
[[route.field]]
form = "card"
action = "encrypt"
key = "card"
required = true
[[route.detector]]
kind = "card-number"
action = "refuse"
)";

RouteTable table(std::string_view text = kRoutes) {
  auto document = toml_fields::parse(text, "routes", Code::config_invalid);
  EXPECT_TRUE(document.has_value());
  toml_fields::Fields fields(*document, "routes", "", Code::config_invalid);
  auto routes = read_routes(fields, "routes");
  EXPECT_TRUE(routes.has_value()) << (routes ? "" : routes.error().message);
  return *std::move(routes);
}

std::string refused_route(std::string_view text) {
  auto document = toml_fields::parse(text, "routes", Code::config_invalid);
  EXPECT_TRUE(document.has_value()) << text;
  toml_fields::Fields fields(*document, "routes", "", Code::config_invalid);
  auto routes = read_routes(fields, "routes");
  return routes ? "" : routes.error().message;
}

// What the request becomes with C0, C1 … for its ciphertexts, or the name of the refusal.
std::string outcome(const char* route, std::string_view target, std::string_view body,
                    std::vector<HeaderView> headers = {}) {
  static const RouteTable kTable = table();
  const Route& chosen = kTable.routes()[route == std::string_view("form") ? 1 : 0];
  auto parsed = parse_target(target);
  if (!parsed) return std::string(parsed.error().name);
  const RequestView request{target, std::move(headers), body};
  auto findings = inspect(chosen, *parsed, request);
  if (!findings) return std::string(findings.error().name);
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < findings->size(); ++i) texts.push_back("C:" + std::to_string(i));
  const RewrittenRequest made = rewrite(request, *findings, texts);
  std::string out = made.target + " " + std::string(as_text(made.body));
  for (const std::string& value : made.header_values) out += " " + value;
  return out;
}

TEST(Inspection, ChangesTheBytesOfTheValuesAlone) {
  EXPECT_EQ(outcome("json", "/customers",
                    R"({ "a":1.0, "card" : "4", "more":[{"note":"x"},{"note":null}] })"),
            R"(/customers { "a":1.0, "card" : "C:0", "more":[{"note":"C:1"},{"note":null}] })");
  EXPECT_EQ(outcome("json", "/customers", R"({"card":4111})"), R"(/customers {"card":"C:0"})");
  EXPECT_EQ(outcome("json", "/customers", R"({"x":"DE89 3704 0044 0532 0130 00"})"),
            R"(/customers {"x":"C:0"})");
  EXPECT_EQ(outcome("json", "/customers?a=1&card=4%201&b", "{}", {{"X-Card", "4"}, {"Y", "z"}}),
            "/customers?a=1&card=C%3A1&b {} C:0 z");
  EXPECT_EQ(outcome("form", "/form", "a=b+c&card=4%31&&d"), "/form a=b+c&card=C%3A0&&d");
}

TEST(Inspection, RefusesNamesThatReadersOfFormsTakeForAField) {
  for (const std::string_view name :
       {"[card]", "%5Bcard%5D", "%5b%5bcard", "+card", ".card", "card[", "card]", "card.number",
        "card+number", "card[number", "card%5Bnumber%5D", "card+", "CARD", "card[0][x]"})
    EXPECT_EQ(outcome("form", "/form", std::string(name) + "=1&card=2"), "field_ambiguous") << name;
  EXPECT_EQ(outcome("form", "/form", "cards=1&discard=1&card_x=1&card=2"),
            "/form cards=1&discard=1&card_x=1&card=C%3A0");
  EXPECT_TRUE(is_form_variant("card.number", "card_number"));
  EXPECT_TRUE(is_form_variant("card number", "card_number"));
  EXPECT_TRUE(is_form_variant("[Card[number", "card_number"));
  EXPECT_TRUE(is_form_variant("user.card", "user[card]"));
  EXPECT_TRUE(is_form_variant("card", "card[]"));
  EXPECT_FALSE(is_form_variant("card_number", "card_number"));
  EXPECT_FALSE(is_form_variant("card_number", "card"));
  EXPECT_FALSE(is_form_variant("", "card"));
  EXPECT_FALSE(is_form_variant("[]", "card"));
  std::string long_name;
  for (int i = 0; i < 500'000; ++i) long_name += "a.";
  EXPECT_FALSE(is_form_variant(long_name, "card"));
}

TEST(Inspection, RefusesNamesOfAnotherCaseInUnicode) {
  EXPECT_TRUE(
      equal_names("to\xe2\x84\xaa"
                  "en",
                  "token"));
  EXPECT_TRUE(
      equal_names("\xc5\xbf"
                  "sn",
                  "SSN"));
  EXPECT_FALSE(equal_names("\xc3\x9f", "ss"));
  auto selector = JsonSelector::parse("$.ssn");
  ASSERT_TRUE(selector.has_value());
  EXPECT_TRUE(
      selector->nearly_matches({{"\xc5\xbf"
                                 "Sn",
                                 0, false}}));
  EXPECT_FALSE(selector->nearly_matches({{"ssn", 0, false}}));
  EXPECT_TRUE(
      is_form_variant("\xc5\xbf"
                      "sn",
                      "ssn"));
  EXPECT_TRUE(
      is_form_variant("to\xe2\x84\xaa"
                      "en[0]",
                      "token"));
}

TEST(Inspection, RefusesWhatItDoesNotUnderstand) {
  EXPECT_EQ(outcome("json", "/customers", R"({"card":"4","card":"5"})"), "json_key_twice");
  EXPECT_EQ(outcome("json", "/customers", R"({"card":{"x":1}})"), "value_invalid");
  EXPECT_EQ(outcome("json", "/customers", R"({"Card":"4"})"), "field_ambiguous");
  EXPECT_EQ(outcome("json", "/customers", R"([{"card":"4"}])"), "field_shape");
  EXPECT_EQ(outcome("json", "/customers", R"({"more":{"note":"x"}})"), "field_shape");
  EXPECT_EQ(outcome("json", "/customers", R"({"more":"x"})"), "field_shape");
  EXPECT_EQ(outcome("json", "/customers", R"({"pin":"1"})"), "field_refused");
  EXPECT_EQ(outcome("json", "/customers", R"({"card":"nae1:AAAA"})"), "value_is_ciphertext");
  EXPECT_EQ(outcome("json", "/customers?card=1&card=2", "{}"), "field_twice");
  EXPECT_EQ(outcome("json", "/customers?card%5B%5D=1", "{}"), "field_ambiguous");
  EXPECT_EQ(outcome("json", "/customers", "{}", {{"x-card", "1"}, {"X-Card", "2"}}), "field_twice");
  EXPECT_EQ(outcome("json", "/customers", "{}", {{"X_Card", "1"}}), "field_ambiguous");
  EXPECT_EQ(outcome("form", "/form", "a=1"), "field_missing");
  EXPECT_EQ(outcome("form", "/form", "card=1&card=2"), "field_twice");
  EXPECT_EQ(outcome("form", "/form", "card%5B0%5D=1&card=2"), "field_ambiguous");
  EXPECT_EQ(outcome("form", "/form", "Card=1&card=2"), "field_ambiguous");
  EXPECT_EQ(outcome("form", "/form", "card=1&_method=put"), "method_override");
  EXPECT_EQ(outcome("form", "/form", "card=1&%5F_method=put&_Method[]=x"), "method_override");
  EXPECT_EQ(outcome("form", "/form?card=1", "card=1"), "field_ambiguous");
  EXPECT_EQ(outcome("json", "/customers?a=1;%70in=1", "{}"), "field_ambiguous");
  EXPECT_EQ(outcome("json", "/customers?more[0][note]=1", "{}"), "field_ambiguous");
  EXPECT_EQ(outcome("form", "/form", "card=1;b=2"), "form_malformed");
  EXPECT_EQ(outcome("form", "/form", "card=%4"), "form_malformed");
  EXPECT_EQ(outcome("form", "/form", "card=%ff"), "form_encoding");
  EXPECT_EQ(outcome("form", "/form", "card=1&x=4111111111111111"), "field_refused");
}

TEST(Inspection, TakesALimitedNumberOfValues) {
  const auto body_of = [](std::size_t values) {
    std::string body = R"({"more":[{"note":"x"})";
    for (std::size_t i = 1; i < values; ++i) body += R"(,{"note":"x"})";
    return body + "]}";
  };
  EXPECT_EQ(outcome("json", "/customers", body_of(kMaxFindings + 1)), "too_many_values");
  EXPECT_EQ(outcome("json", "/customers", body_of(kMaxFindings)).substr(0, 10), "/customers");
}

std::string content(const char* route, std::vector<HeaderView> headers) {
  const RouteTable routes = table();
  const auto good =
      check_content(routes.routes()[route == std::string_view("form") ? 1 : 0], headers);
  return good ? "good" : std::string(good.error().name);
}

TEST(Inspection, TakesTheContentOfTheRouteAlone) {
  for (const std::string_view type :
       {"application/json", "application/json; charset=utf-8", "APPLICATION/JSON;charset=\"UTF-8\"",
        "application/vnd.a+json"})
    EXPECT_EQ(content("json", {{"Content-Type", type}}), "good") << type;
  for (const std::string_view type :
       {"text/plain", "application/x-www-form-urlencoded", "", "json",
        "application/x-www-form-urlencoded,+json", "application/a b+json", "application/a/b+json",
        "application/\"a\"+json", "application/json,text/plain", "multipart/form-data; boundary=a",
        "application/json; a=\";charset=x\"", "application/json; xcharset=utf-7",
        "application/json; charset =utf-8"})
    EXPECT_EQ(content("json", {{"Content-Type", type}}), "content_type_unexpected") << type;
  EXPECT_EQ(content("json", {}), "content_type_missing");
  EXPECT_EQ(content("json", {{"Content-Type", "application/json; charset=utf-16"}}),
            "charset_unsupported");
  EXPECT_EQ(content("json", {{"Content-Type", "application/json; charset=utf-8; charset=utf-7"}}),
            "charset_unsupported");
  EXPECT_EQ(content("json", {{"Content-Type", "application/json"}, {"content-type", "text/plain"}}),
            "content_type_twice");
  for (const std::string_view coding : {"gzip", " GZIP ", "identity"})
    EXPECT_EQ(content("json", {{"Content-Type", "application/json"}, {"Content-Encoding", coding}}),
              "good");
  for (const std::string_view coding :
       {"br", "deflate", "x-gzip", "gzip, gzip", "gzip, br", "gzi", ""})
    EXPECT_EQ(content("json", {{"Content-Type", "application/json"}, {"Content-Encoding", coding}}),
              "content_encoding_unsupported")
        << coding;
  EXPECT_EQ(content("json", {{"Content-Type", "application/json"},
                             {"Content-Encoding", "gzip"},
                             {"content-encoding", "gzip"}}),
            "content_encoding_unsupported");
  EXPECT_EQ(content("form", {{"Content-Type", "application/x-www-form-urlencoded"}}), "good");
}

std::string target(std::string_view text) {
  auto parsed = parse_target(text);
  return parsed ? parsed->path + " " + std::string(parsed->query)
                : std::string(parsed.error().name);
}

TEST(RequestTarget, IsWhatTheMostLenientReaderMakesOfIt) {
  EXPECT_EQ(target("/Customers/?a=/../b"), "/customers a=/../b");
  EXPECT_EQ(target("/c%75stomers;v=1/x"), "/customers/x ");
  EXPECT_EQ(target("/"), "/ ");
  EXPECT_EQ(target("*"), "* ");
  for (const std::string_view bad : {"/a/../b", "/a/./b", "//a", "/a//b", "/a/%2e%2e/b", "/a%2fb",
                                     "/a%5cb", "/a%252fb", "/..;/a"})
    EXPECT_EQ(target(bad), "path_ambiguous") << bad;
  for (const std::string_view bad :
       {"/a\\b", "/a%", "/a%0d", "/a%00", "/a b", "/\xc3\xbc", "/a#b", "/%ff"})
    EXPECT_EQ(target(bad), "path_malformed") << bad;
  EXPECT_EQ(target("http://shop.example/"), "target_form");
  EXPECT_EQ(target(""), "target_form");
}

TEST(RequestTarget, KeepsWhatALiteralReaderSees) {
  const auto literal = [](std::string_view text) { return parse_target(text)->literal; };
  EXPECT_EQ(literal("/Customers/?a"), "/customers/");
  EXPECT_EQ(literal("/c%75stomers;v=1/x%3B"), "/customers;v=1/x;");
  EXPECT_EQ(literal("/"), "/");
  EXPECT_EQ(literal("*"), "*");
}

TEST(RouteTable, FindsTheFirstThatMatches) {
  const RouteTable routes = table();
  const auto found = [&](std::string_view host, std::string_view method, std::string_view path) {
    const Route* route = routes.find(host, method, path);
    return route ? route->name : "";
  };
  EXPECT_EQ(found("shop.example", "POST", "/customers"), "json");
  EXPECT_EQ(found("SHOP.example.:8080", "POST", "/customers"), "json");
  EXPECT_EQ(found("other.example", "POST", "/customers"), "");
  EXPECT_EQ(found("shop.example", "GET", "/customers"), "");
  EXPECT_EQ(found("shop.example", "post", "/customers"), "");  // which check_header refuses
  EXPECT_TRUE(routes.claims_path("/customers"));
  EXPECT_EQ(found("other.example", "PUT", "/forms/1"), "form");
}

TEST(RouteTable, TakesHeadWhereItTakesGet) {
  Route route;
  route.methods = {"GET"};
  EXPECT_TRUE(route.takes_method("HEAD"));
  EXPECT_FALSE(route.takes_method("POST"));
  route.methods = {"POST"};
  EXPECT_FALSE(route.takes_method("HEAD"));
}

TEST(Inspection, FindsPatternsByTheNameOfTheField) {
  const RouteTable own = table(R"(
[[route]]
name = "notes"
path = "/notes"
role = "web"
content = "json"
[[route.detector]]
kind = "pattern"
pattern = '\b[A-Z]{2}\d{7}\b'
near = ["passport"]
action = "encrypt"
key = "papers"
[[route.detector]]
kind = "de-tax-id"
action = "refuse"
)");
  const auto labels = [&](std::string_view body) -> std::string {
    const auto found = inspect(own.routes()[0], *parse_target("/notes"), {"/notes", {}, body});
    if (!found) return std::string(found.error().name);
    std::string all;
    for (const Finding& each : *found) all += each.label + " of " + each.column->key + ";";
    return all;
  };
  EXPECT_EQ(labels(R"({"passport":["AB1234567"],"order":"AB1234567"})"),
            "json (pattern) of papers;");
  EXPECT_EQ(labels(R"({"note":"Passport AB1234567"})"), "json (pattern) of papers;");
  EXPECT_EQ(labels(R"({"note":"AB1234567"})"), "");
  EXPECT_EQ(labels(R"({"note":"86 095 742 719"})"), "field_refused");
}

TEST(RouteFile, RefusesWhatCannotBeMeant) {
  for (const auto& [detector, why] :
       {std::pair("kind = \"pattern\"", "a pattern has 1 to 1024 bytes"),
        std::pair("kind = \"pattern\"\npattern = \"(\"", "the pattern: missing ): ("),
        std::pair("kind = \"pattern\"\npattern = \"x*\"", "matches an empty text"),
        std::pair("kind = \"pattern\"\npattern = \"x\"\nnear = [\"a b\"]", "'a b' is no word"),
        std::pair("kind = \"iban\"\npattern = \"x\"", "belongs to kind = \"pattern\"")})
    EXPECT_NE(refused_route("[[route]]\nname = \"a\"\npath = \"/a\"\nrole = \"r\"\n"
                            "content = \"json\"\n[[route.detector]]\naction = \"refuse\"\n" +
                            std::string(detector))
                  .find(why),
              std::string::npos)
        << detector;
  const auto route = [](std::string_view fields) {
    return "[[route]]\nname = \"a\"\npath = \"/a\"\nrole = \"web\"\n" + std::string(fields);
  };
  const std::string field = "[[route.field]]\njson = \"/a\"\naction = \"encrypt\"\nkey = \"k\"\n";
  EXPECT_EQ(refused_route(route(field)), "");
  const std::string nobody = "[[route]]\nname = \"a\"\npath = \"/a\"\n";
  EXPECT_EQ(refused_route(nobody + "upgrade = \"websocket\"\n"), "");
  EXPECT_NE(refused_route(nobody + "upgrade = \"websocket\"\n" + field).find("role: is required"),
            std::string::npos);
  for (const auto& [fields, message] : std::initializer_list<std::pair<std::string, std::string>>{
           {"", "has a field, a detector, an answer or an upgrade"},
           {"upgrade = \"h2c\"\n", "other than HTTP"},
           {"upgrade = \"HTTP/2.0\"\n", "other than HTTP"},
           {"upgrade = \"a b\"\n", "other than HTTP"},
           {"upgrade = \"\"\n", "other than HTTP"},
           {field + "version = 2\n", "belongs to deterministic columns"},
           {field + "type = \"inet\"\n", "writes no 'inet'"},
           {field + "type = \"bool\"\ndeterministic = true\n", "no deterministic column of bool"},
           {field + "form = \"a\"\n", "one of json, form, query and header"},
           {field + "[[route.field]]\nform = \"a\"\naction = \"refuse\"\n", "routes of their own"},
           {field + "typo = 1\n", "is not a known field"},
           {"methods = [\"post\"]\n" + field, "no method of HTTP in upper case"},
           {"[[route.field]]\nheader = \"Host\"\naction = \"refuse\"\n",
            "not a header that can be encrypted"},
           {"[[route.field]]\njson = \"a\"\naction = \"refuse\"\n", "begins with '/' or '$'"},
           {"[[route.detector]]\nkind = \"iban\"\naction = \"refuse\"\n", "content: is required"}})
    EXPECT_NE(refused_route(route(fields)).find(message), std::string::npos)
        << fields << refused_route(route(fields));
  EXPECT_NE(refused_route(route(field) + route(field)).find("two routes"), std::string::npos);
}

}  // namespace
}  // namespace nae::gateway

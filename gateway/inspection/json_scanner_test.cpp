#include "gateway/inspection/json_scanner.hpp"

#include <gtest/gtest.h>

#include "gateway/inspection/selector.hpp"

namespace nae::gateway {
namespace {

// Each value as `path=kind:bytes`, or the name of the refusal.
std::string scanned(std::string_view text) {
  std::string found;
  auto done = scan_json(text, [&](const JsonPath& path, const JsonValue& value) {
    found += to_string(path) + "=" + std::string(json_kind_name(value.kind)) + ":" +
             std::string(text.substr(value.begin, value.end - value.begin)) + ";";
    return Understood<void>();
  });
  return done ? found : std::string(done.error().name);
}

std::string nested(std::size_t depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

TEST(JsonScanner, SaysWhereEachValueStands) {
  EXPECT_EQ(scanned(R"( {"a" : [1.50e1, "x\n"] , "b":null} )"),
            R"($.a[0]=number:1.50e1;$.a[1]=string:"x\n";$.a=array:[1.50e1, "x\n"];$.b=null:null;)"
            R"($=object:{"a" : [1.50e1, "x\n"] , "b":null};)");
  EXPECT_EQ(scanned("true"), "$=boolean:true;");
  EXPECT_EQ(scanned("[]"), "$=array:[];");
  EXPECT_EQ(scanned("{}"), "$=object:{};");
  EXPECT_EQ(scanned("-0.0E-7"), "$=number:-0.0E-7;");
}

TEST(JsonScanner, DecodesStrings) {
  std::string text;
  const auto keep = [&](const JsonPath&, const JsonValue& value) {
    text = value.text;
    return Understood<void>();
  };
  EXPECT_TRUE(scan_json(R"("\u0041\"\\\/\b\f\n\r\t\ud83d\ude00\u20AC")", keep));
  EXPECT_EQ(text, "A\"\\/\b\f\n\r\t\xf0\x9f\x98\x80\xe2\x82\xac");
}

TEST(JsonScanner, RefusesWhatReadersReadDifferently) {
  for (const std::string_view bad : {"",
                                     " ",
                                     "{",
                                     "[1,]",
                                     "[,1]",
                                     "{\"a\":1,}",
                                     "{\"a\" 1}",
                                     "{a:1}",
                                     "{'a':1}",
                                     "1.",
                                     ".5",
                                     "+1",
                                     "1e",

                                     "NaN",
                                     "Infinity",
                                     "nul",
                                     "tru",
                                     "\"",
                                     "\"\\x41\"",
                                     "\"\\u12\"",
                                     "\"\\u0000\"",
                                     "\"\\ud800\"",
                                     "\"\\ud800x\"",
                                     "\"\\udc00\"",
                                     "\"\\ud800\\u0041\"",
                                     "\"a\tb\"",
                                     "[1 2]",
                                     "/**/1",
                                     "\xef\xbb\xbf"
                                     "1",
                                     "\"\\"})
    EXPECT_EQ(scanned(bad), "json_malformed") << bad;
  for (const std::string_view bad : {"1 2", "01", "0x10", "{} x", "1,", "1]"})
    EXPECT_EQ(scanned(bad), "json_trailing_bytes") << bad;
  EXPECT_EQ(scanned(std::string_view("1\0", 2)), "json_trailing_bytes");
  EXPECT_EQ(scanned("\"\xff\""), "json_encoding");
  EXPECT_EQ(scanned("\"\xc0\x80\""), "json_encoding");
  EXPECT_EQ(scanned(std::string(513, '1')), "json_malformed");
}

TEST(JsonScanner, RefusesAKeyThatStandsTwice) {
  EXPECT_EQ(scanned(R"({"card":1,"card":2})"), "json_key_twice");
  EXPECT_EQ(scanned(R"({"a":{"card":1,"c\u0061rd":2}})"), "json_key_twice");
  EXPECT_NE(scanned(R"([{"card":1},{"card":2}])"), "json_key_twice");
  EXPECT_NE(scanned(R"({"card":{"card":1}})"), "json_key_twice");
}

TEST(JsonScanner, IsBoundedInDepth) {
  EXPECT_NE(scanned(nested(kMaxJsonDepth)), "json_depth");
  EXPECT_EQ(scanned(nested(kMaxJsonDepth + 1)), "json_depth");
}

TEST(JsonScanner, QuotesWhatItReads) {
  std::string text;
  EXPECT_TRUE(scan_json(json_quoted("a\"\\\x01\x7f\xe2\x82\xac"),
                        [&](const JsonPath&, const JsonValue& value) {
                          text = value.text;
                          return Understood<void>();
                        }));
  EXPECT_EQ(text, "a\"\\\x01\x7f\xe2\x82\xac");
}

// The paths of `text` that the selector takes.
std::string selected(std::string_view selector, std::string_view text) {
  const auto parsed = JsonSelector::parse(selector);
  if (!parsed) return "refused";
  std::string found;
  EXPECT_TRUE(scan_json(text, [&](const JsonPath& path, const JsonValue&) {
    if (parsed->matches(path)) found += to_string(path) + " ";
    if (parsed->nearly_matches(path)) found += "~" + to_string(path) + " ";
    return Understood<void>();
  }));
  return found;
}

TEST(JsonSelector, TakesPointersAndPaths) {
  constexpr std::string_view kText = R"({"a":[{"b":1},{"b":2,"c":3}],"d e":4,"/~":5,"0":6})";
  EXPECT_EQ(selected("/a/1/b", kText), "$.a[1].b ");
  EXPECT_EQ(selected("$.a[1].b", kText), "$.a[1].b ");
  EXPECT_EQ(selected("$.a[*].b", kText), "$.a[0].b $.a[1].b ");
  EXPECT_EQ(selected("$.a[1].*", kText), "$.a[1].b $.a[1].c ");
  EXPECT_EQ(selected("$['d e']", kText), "$.d e ");
  EXPECT_EQ(selected("/~1~0", kText), "$./~ ");
  EXPECT_EQ(selected("/0", kText), "$.0 ");
  EXPECT_EQ(selected("$[0]", kText), "");
  EXPECT_EQ(selected("$.B", R"({"b":1})"), "~$.b ");
}

TEST(JsonSelector, RefusesWhatItDoesNotKnow) {
  for (const std::string_view bad : {"", "a", "$", "$.", "$a", "$..a", "$.a[", "$.a[-1]", "$.a[01]",
                                     "$['a", "/~2", "/~", "$.a[1:2]"})
    EXPECT_EQ(selected(bad, "{}"), "refused") << bad;
}

}  // namespace
}  // namespace nae::gateway

#include "keyserver/admin/api/json.hpp"

#include <gtest/gtest.h>

namespace nae::admin::api {
namespace {

TEST(JsonTest, OnlyOneWholeObjectIsAccepted) {
  EXPECT_TRUE(parse_object(R"({"a":1})"));
  for (std::string_view text :
       {"", "1", "[]", "null", "{\"a\":1}x", "{\"a\":}", "{'a':1}", "{", "{\"a\":\"\xff\"}"})
    EXPECT_FALSE(parse_object(text)) << text;
}

TEST(JsonTest, NumbersAreFinite) {
  EXPECT_TRUE(parse_object(R"({"a":[{"b":1e300}]})"));
  for (std::string_view text : {R"({"a":0E900})", R"({"a":[{"b":-0e999}]})"})
    EXPECT_FALSE(parse_object(text)) << text;
}

TEST(JsonTest, DepthIsBounded) {
  auto nested = [](int depth) {
    return "{\"a\":" + std::string(depth, '[') + std::string(depth, ']') + "}";
  };
  EXPECT_TRUE(parse_object(nested(15)));
  EXPECT_FALSE(parse_object(nested(16)));
  EXPECT_FALSE(parse_object(nested(100'000)));
}

TEST(JsonTest, FieldsAreCheckedOneByOne) {
  json::object object = *parse_object(R"({"t":"x","n":3,"l":["a","b"],"z":null})");
  Fields fields(object);
  EXPECT_EQ(*fields.text("t"), "x");
  EXPECT_EQ(*fields.optional_integer("n", 1, 3), 3);
  EXPECT_EQ(fields.optional_texts("l")->size(), 2u);
  EXPECT_EQ(*fields.optional_text("z"), std::nullopt);
  EXPECT_TRUE(fields.complete());

  EXPECT_FALSE(fields.text("n"));
  EXPECT_FALSE(fields.text("missing"));
  EXPECT_FALSE(fields.text("z"));
  EXPECT_FALSE(fields.optional_integer("n", 1, 2));
  EXPECT_FALSE(fields.optional_integer("t", 1, 2));
  EXPECT_FALSE(fields.optional_texts("t"));
}

TEST(JsonTest, UnknownFieldsAreRefused) {
  json::object object = *parse_object(R"({"name":"x","tpye":"y"})");
  Fields fields(object);
  ASSERT_TRUE(fields.text("name"));
  auto complete = fields.complete();
  ASSERT_FALSE(complete);
  EXPECT_EQ(complete.error().message, "unknown field \"tpye\"");
}

}  // namespace
}  // namespace nae::admin::api

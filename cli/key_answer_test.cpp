// A key as it is shown, and the options that say what one is for.
#include "cli/key_answer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <sstream>

namespace nae::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

class ShowKeyTest : public testing::Test {
 protected:
  void SetUp() override { ::setenv("TZ", "UTC", 1); }
  void TearDown() override { ::unsetenv("TZ"); }

  std::string shown(const std::string& key, bool as_json = false, std::size_t columns = 0) {
    std::ostringstream out, err;
    const Terminal terminal{columns, nullptr};
    Call call{out, err, terminal, {}, as_json};
    show_key(call, json::parse(key));
    EXPECT_EQ(err.str(), "");
    return out.str();
  }
};

constexpr const char* kWhole = R"({
  "name": "customer-pii", "type": "aes-256-gcm", "id": "010203040506",
  "created_at": "2026-01-31T08:00:00Z", "primary_version": 2, "protection": "wrapped",
  "origin": "generated", "owner": "crm", "description": "names",
  "labels": {"env": "test", "tier": "1"}, "allowed_actions": ["decrypt", "encrypt"],
  "allowed_algorithms": [], "rotate_after_days": 90, "rotate_after_uses": 1000,
  "rotates_at": "2026-05-01T08:00:00Z",
  "versions": [
    {"version": 1, "state": "restricted", "created_at": "2026-01-31T08:00:00Z", "kept": "wrapped",
     "origin": "generated",
     "schedule": [{"state": "retired", "at": "2026-12-01T00:00:00Z"},
                  {"state": "destroyed", "at": "2026-12-09T00:00:00Z"}]},
    {"version": 2, "state": "active", "created_at": "2026-02-01T08:00:00Z", "kept": "wrapped",
     "origin": "generated", "public_key": "-----BEGIN PUBLIC KEY-----\n"}]})";

TEST_F(ShowKeyTest, HasALineForEachAttribute) {
  const std::string text = shown(kWhole);
  for (const char* line :
       {"name         customer-pii\n", "type         aes-256-gcm\n", "id           010203040506\n",
        "created      2026-01-31 08:00 UTC\n", "primary      2\n", "protection   wrapped\n",
        "origin       generated\n", "owner        crm\n", "description  names\n",
        "labels       env=test, tier=1\n", "actions      decrypt, encrypt\n",
        "rotation     after 90 days, next at 2026-05-01 08:00 UTC; after 1000 uses\n",
        "retired 2026-12-01 00:00, destroyed 2026-12-09 00:00\n",
        "public key of version 2\n-----BEGIN PUBLIC KEY-----\n"})
    EXPECT_THAT(text, HasSubstr(line));
  EXPECT_THAT(text, Not(HasSubstr("algorithms"))) << "what is empty has no line";
  EXPECT_THAT(text, Not(HasSubstr("public key of version 1")));
}

TEST_F(ShowKeyTest, WhatAServerDoesNotSayHasNoLine) {
  EXPECT_EQ(shown(R"({"name": "a"})"),
            "name         a\nprimary      none\n\nVERSION  STATE  CREATED (UTC)  KEPT  ORIGIN  "
            "PLANNED\n");
  for (const char* odd :
       {"{}", R"({"labels": [], "versions": {}, "allowed_actions": "decrypt"})",
        R"({"versions": [{}], "rotates_at": null, "primary_version": null, "labels": null})"})
    EXPECT_THAT(shown(odd), HasSubstr("primary      none\n")) << odd;
}

TEST_F(ShowKeyTest, RotationIsByAgeByUsesOrNotAtAll) {
  auto rotation = [&](const char* fields) {
    const std::string text = shown(std::string("{") + fields + "}");
    const std::size_t from = text.find("rotation");
    return from == std::string::npos ? ""
                                     : text.substr(from + 13, text.find('\n', from) - from - 13);
  };
  EXPECT_EQ(rotation(R"("rotate_after_days": 0, "rotate_after_uses": 0)"), "");
  EXPECT_EQ(rotation(R"("rotate_after_days": 0, "rotate_after_uses": 7)"), "after 7 uses");
  EXPECT_EQ(rotation(R"("rotate_after_days": 30, "rotate_after_uses": 0)"), "after 30 days");
  EXPECT_EQ(rotation(R"("rotate_after_days": 30, "rotate_after_uses": 7)"),
            "after 30 days; after 7 uses");
}

// An administrator's text must not move another one's cursor.
TEST_F(ShowKeyTest, ControlCharactersAreShown) {
  const std::string text =
      shown(R"({"owner": "a\u001b[2J\nname forged", "labels": {"x": "\u0007"}})");
  EXPECT_THAT(text, HasSubstr("owner        a\\x1b[2J\\x0aname forged\n"));
  EXPECT_THAT(text, HasSubstr("x=\\x07"));
}

TEST_F(ShowKeyTest, AsJsonItIsTheAnswer) {
  EXPECT_EQ(json::parse(shown(kWhole, true)), json::parse(kWhole));
}

TEST_F(ShowKeyTest, ANarrowTerminalLosesOriginAndKeptAndNoPlan) {
  const std::string text = shown(kWhole, false, 100);
  EXPECT_THAT(text, Not(HasSubstr("ORIGIN")));
  EXPECT_THAT(text, HasSubstr("destroyed 2026-12-09 00:00\n"));
}

json::object written(const AttributeOptions& options) {
  json::object body;
  EXPECT_TRUE(options.write(body));
  return body;
}

TEST(AttributeOptions, WhatIsNotGivenIsNotWritten) {
  EXPECT_TRUE(written({}).empty());
}

TEST(AttributeOptions, EmptyAndNothingDiffer) {
  AttributeOptions options;
  options.owner = "";
  options.rotate_after_days = 0;
  options.rotate_after_uses = 0;
  EXPECT_EQ(written(options),
            json::parse(R"({"owner": "", "rotate_after_days": 0, "rotate_after_uses": 0})"));
  options = {};
  options.all_actions = options.all_algorithms = true;
  EXPECT_EQ(written(options), json::parse(R"({"allowed_actions": [], "allowed_algorithms": []})"));
}

TEST(AttributeOptions, LabelsAreNamesAndValues) {
  AttributeOptions options;
  options.labels = {"env=test", "note=a=b", "empty="};
  options.remove_labels = {"draft"};
  EXPECT_EQ(written(options), json::parse(R"({"labels":
      {"env": "test", "note": "a=b", "empty": "", "draft": null}})"));
  for (const char* bad : {"", "=", "=value", "name"}) {
    options.labels = {"env=test", bad};
    json::object body;
    EXPECT_EQ(options.write(body).error().code, Code::invalid_argument) << bad;
    EXPECT_FALSE(body.contains("labels")) << bad;
  }
}

TEST(AttributeOptions, BoundsAreThoseOfTheInterface) {
  auto parses = [](const char* option, const char* value) {
    CLI::App app;
    AttributeOptions options;
    add_attribute_options(app, options);
    try {
      app.parse(std::vector<std::string>{value, option});  // CLI11 reads from the back
    } catch (const CLI::ParseError&) {
      return false;
    }
    return true;
  };
  EXPECT_TRUE(parses("--rotate-after-days", "36500"));
  EXPECT_FALSE(parses("--rotate-after-days", "36501"));
  EXPECT_FALSE(parses("--rotate-after-days", "-1"));
  EXPECT_TRUE(parses("--rotate-after-uses", "9007199254740992"));
  EXPECT_FALSE(parses("--rotate-after-uses", "-1"));
  EXPECT_FALSE(parses("--rotate-after-uses", "many"));
}

}  // namespace
}  // namespace nae::cli

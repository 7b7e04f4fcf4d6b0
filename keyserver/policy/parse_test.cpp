#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "keyserver/policy/document.hpp"

namespace nae::policy {
namespace {

constexpr std::string_view kDeclarations = R"(version = 1
[[device]]
name = "db1"
description = "the shop's primary"
[[program]]
name = "postgres"
executables = ["/usr/lib/postgresql/15/bin/postgres"]
sha256 = ["00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"]
)";

std::string with_rule(std::string_view fields) {
  return std::string(kDeclarations) + "[[rule]]\n" + std::string(fields);
}

Error refusal(std::string_view text) {
  auto document = parse(text);
  return document ? Error(Code::internal, "accepted") : document.error();
}

// A right to what nobody does would become one the day that somebody does it.
TEST(PolicyParse, ActionsThatNobodyServesCannotBeGranted) {
  for (const char* action : {"wrap", "unwrap", "export", "manage"}) {
    const std::string text =
        with_rule(std::string("name = \"r\"\nroles = [\"a\"]\nkeys = [\"*\"]\nresult = \"value\"\n"
                              "actions = [\"decrypt\",\n\"") +
                  action + "\"]\n");
    EXPECT_EQ(refusal(text).code, Code::policy_invalid) << action;
    EXPECT_NE(refusal(text).message.find("line 15"), std::string::npos) << refusal(text).message;
    auto stored = parse(text, Written::before);
    ASSERT_TRUE(stored) << "a server that accepted it must go on reading it";
    EXPECT_TRUE(stored->rules[0].actions.contains(Action::decrypt));
  }
}

TEST(PolicyParse, KeyOriginsAreOfAShortListAndOfKeys) {
  const auto rule = [](std::string_view origins, std::string_view rest) {
    return with_rule("name = \"r\"\nroles = [\"a\"]\nresult = \"value\"\nkey_origins = " +
                     std::string(origins) + "\n" + std::string(rest));
  };
  constexpr std::string_view kReads = "keys = [\"*\"]\nactions = [\"decrypt\"]\n";
  auto document = parse(rule("[\"generated\", \"unknown\"]", kReads));
  ASSERT_TRUE(document) << document.error().message;
  EXPECT_EQ(document->rules[0].key_origins, (std::vector<std::string>{"generated", "unknown"}));
  for (const char* bad : {"[\"Generated\"]", "[\"gen*\"]", "[]", "\"generated\"", "[\"\"]"})
    EXPECT_EQ(refusal(rule(bad, kReads)).code, Code::policy_invalid) << bad;
  EXPECT_EQ(refusal(rule("[\"generated\"]", "actions = [\"random\"]\n")).code,
            Code::policy_invalid);
}

TEST(PolicyParse, ReadsACompleteDocument) {
  auto document = parse(with_rule(R"(name = "analysts-read"
description = "why"
roles = ["analyst", "BI *"]
databases = ["shop"]
devices = ["db1", "db-*"]
programs = ["postgres"]
keys = ["customer-*"]
actions = ["decrypt", "mac-verify"]
result = "value"
)"));
  ASSERT_TRUE(document) << document.error().message;
  EXPECT_EQ(document->version, 1);
  ASSERT_NE(document->device("db1"), nullptr);
  EXPECT_EQ(document->device("db1")->description, "the shop's primary");
  EXPECT_EQ(document->device("db2"), nullptr);
  const Program* program = document->program("postgres");
  ASSERT_NE(program, nullptr);
  EXPECT_EQ(program->executables, std::vector<std::string>{"/usr/lib/postgresql/15/bin/postgres"});
  ASSERT_EQ(program->sha256.size(), 1u);
  EXPECT_EQ(program->sha256[0][31], 0xff);
  ASSERT_EQ(document->rules.size(), 1u);
  const Rule& rule = document->rules[0];
  EXPECT_EQ(rule.name, "analysts-read");
  EXPECT_EQ(rule.roles, (std::vector<std::string>{"analyst", "glob:BI *"}));
  EXPECT_EQ(rule.devices, (std::vector<std::string>{"db1", "glob:db-*"}));
  EXPECT_TRUE(rule.actions.contains(Action::decrypt));
  EXPECT_TRUE(rule.actions.contains(Action::mac_verify));
  EXPECT_FALSE(rule.actions.contains(Action::mac));
  EXPECT_EQ(rule.result, Verdict::value);
  EXPECT_EQ(rule.line, 9u);
}

constexpr std::string_view kVersion2 = R"(version = 2
[[device]]
name = "db1"
[[rule]]
name = "r"
roles = ["analyst", "exact:a*b", "glob:bi_*"]
databases = ["glob:shop_*"]
devices = ["db1", "glob:db-*"]
keys = ["card", "glob:customer-*"]
actions = ["decrypt"]
result = "value"
)";

TEST(PolicyParse, Version2SaysWhatIsAPattern) {
  auto document = parse(kVersion2);
  ASSERT_TRUE(document) << document.error().message;
  EXPECT_EQ(document->version, 2);
  const Rule& rule = document->rules[0];
  EXPECT_EQ(rule.roles, (std::vector<std::string>{"analyst", "exact:a*b", "glob:bi_*"}));
  EXPECT_EQ(rule.databases, (std::vector<std::string>{"glob:shop_*"}));
  EXPECT_EQ(rule.devices, (std::vector<std::string>{"db1", "glob:db-*"}));
  EXPECT_EQ(rule.keys, (std::vector<std::string>{"card", "glob:customer-*"}));
}

TEST(PolicyParse, Version2RefusesWhatCouldBeEither) {
  struct Case {
    const char* from;
    const char* to;
    const char* reason;
  };
  for (const Case& c :
       {Case{"analyst", "*", "glob:*"}, Case{"\"card\"", "\"card-*\"", "exact:card-*"},
        Case{"glob:customer-*", "glob:", "can match no name"},
        Case{"glob:customer-*", "exact:c*d", "can match no name"},
        Case{"glob:customer-*", "glob:c\\\\*", "can match no name"},
        Case{"\"db1\",", "\"db2\",", "no [[device]]"},
        Case{"glob:shop", "glob:\\\\x", "a backslash stands before"}}) {
    std::string text(kVersion2);
    const std::size_t rule = text.find("[[rule]]");
    const std::size_t at = text.find(c.from, rule);
    ASSERT_NE(at, std::string::npos) << c.from;
    text.replace(at, std::string_view(c.from).size(), c.to);
    EXPECT_NE(refusal(text).message.find(c.reason), std::string::npos)
        << c.to << ": " << refusal(text).message;
  }
}

// A stored document goes on meaning what it meant: a name in it with an asterisk is a pattern.
TEST(PolicyParse, Version1DecidesAsItAlwaysDid) {
  auto document =
      parse(with_rule("name = \"r\"\nroles = [\"a*b\", \"glob:x\"]\nkeys = [\"*\"]\nactions = "
                      "[\"decrypt\"]\nresult = \"value\"\n"));
  ASSERT_TRUE(document) << document.error().message;
  EXPECT_EQ(document->rules[0].roles, (std::vector<std::string>{"glob:a*b", "exact:glob:x"}));
  EXPECT_EQ(document->rules[0].keys, (std::vector<std::string>{"glob:*"}));
}

TEST(PolicyParse, AnEmptyPolicyDeniesEverything) {
  auto document = parse("version = 1");
  ASSERT_TRUE(document);
  EXPECT_TRUE(document->rules.empty());
}

TEST(PolicyParse, HashAndRandomNeedNoKeys) {
  auto document = parse(with_rule(
      "name = \"r\"\nroles = [\"*\"]\nactions = [\"hash\", \"random\"]\nresult = \"value\"\n"));
  ASSERT_TRUE(document) << document.error().message;
}

struct Refusal {
  std::string_view what;
  std::string text;
  std::uint32_t line;
  std::string_view reason;  // a part of the message
};

class PolicyRefusals : public ::testing::TestWithParam<Refusal> {};

TEST_P(PolicyRefusals, NameLineAndReason) {
  Error error = refusal(GetParam().text);
  EXPECT_EQ(error.code, Code::policy_invalid);
  EXPECT_TRUE(error.message.starts_with("line " + std::to_string(GetParam().line) + ": "))
      << error.message;
  EXPECT_NE(error.message.find(GetParam().reason), std::string::npos) << error.message;
}

// A rule that is complete but for `changed`, which replaces the field of the same name.
std::string rule_but(std::string_view changed) {
  std::string_view field = changed.substr(0, changed.find(' '));
  std::string text;
  for (std::string_view line : {"name = \"r\"", "roles = [\"a\"]", "keys = [\"k\"]",
                                "actions = [\"decrypt\"]", "result = \"value\""})
    text += (line.starts_with(field) ? std::string(changed) : std::string(line)) + "\n";
  if (text.find(changed) == std::string::npos) text += std::string(changed) + "\n";
  return with_rule(text);
}
// Lines of with_rule(): the rule starts at 9, its fields follow at 10.
constexpr std::uint32_t kRule = 9, kName = 10, kRoles = 11, kKeys = 12, kActions = 13, kResult = 14,
                        kExtra = 15;

// result stands at kResult.
std::string reading_but(std::string_view result, std::string_view actions) {
  return with_rule("name = \"r\"\nroles = [\"a\"]\nkeys = [\"k\"]\nactions = [" +
                   std::string(actions) + "]\n" + std::string(result) + "\n");
}

std::string with_device(std::string_view fields) {
  return "version = 1\n[[device]]\n" + std::string(fields);
}
std::string with_program(std::string_view fields) {
  return "version = 1\n[[program]]\nname = \"p\"\n" + std::string(fields);
}

std::string list_of(std::size_t entries) {
  std::string list = "databases = [\"d\"";
  for (std::size_t i = 1; i < entries; ++i) list += ", \"d" + std::to_string(i) + "\"";
  return list + "]";
}

INSTANTIATE_TEST_SUITE_P(
    Document, PolicyRefusals,
    ::testing::Values(Refusal{"no TOML", "version = 1\nrule rule", 2, ""},
                      Refusal{"no key in brackets", "version = 1\n[&[rule]]", 2, ""},
                      Refusal{"letter outside strings", "version = 1\nvei\u0304", 2, ""},
                      Refusal{"no version", "", 1, "\"version\" is missing"},
                      Refusal{"newer version", "version = 3", 1, "version = 2"},
                      Refusal{"version before the first", "version = 0", 1, "version = 1"},
                      Refusal{"version as text", "version = \"1\"", 1, "version = 1"},
                      Refusal{"unknown table", "version = 1\n[[rules]]\nname = \"r\"", 2,
                              "\"rules\""},
                      Refusal{"table for list", "version = 1\n[rule]\nname = \"r\"", 2, "[[rule]]"},
                      Refusal{"value for list", "version = 1\nrule = 7", 2, "[[rule]]"},
                      Refusal{"empty list of rules", "version = 1\nrule = []", 2, "[[rule]]"}));

INSTANTIATE_TEST_SUITE_P(
    Devices, PolicyRefusals,
    ::testing::Values(
        Refusal{"no name", with_device(""), 2, "\"name\" is missing"},
        Refusal{"empty name", with_device("name = \"\""), 3, "a name has"},
        Refusal{"bad name", with_device("name = \"a b\""), 3, "a name has"},
        Refusal{"glob name", with_device("name = \"db*\""), 3, "a name has"},
        Refusal{"number name", with_device("name = 7"), 3, "must be a string"},
        Refusal{"long name", with_device("name = \"" + std::string(129, 'a') + "\""), 3,
                "a name has"},
        Refusal{"unknown field", with_device("name = \"a\"\nowner = \"x\""), 4, "\"owner\""},
        Refusal{"description", with_device("name = \"a\"\ndescription = 1"), 4, "a string"},
        Refusal{"twice", with_device("name = \"a\"\n[[device]]\nname = \"a\""), 4, "second"}));

INSTANTIATE_TEST_SUITE_P(
    Programs, PolicyRefusals,
    ::testing::Values(
        Refusal{"relative path", with_program("executables = [\"bin/x\"]"), 4, "absolute"},
        Refusal{"no paths", with_program("executables = []"), 4, "is empty"},
        Refusal{"short digest", with_program("sha256 = [\"00\"]"), 4, "64 hexadecimal"},
        Refusal{"no digest", with_program("sha256 = [\"" + std::string(64, 'x') + "\"]"), 4,
                "64 hexadecimal"},
        Refusal{"unknown field", with_program("path = \"/x\""), 4, "\"path\""},
        Refusal{"twice", with_program("[[program]]\nname = \"p\""), 4, "second"}));

INSTANTIATE_TEST_SUITE_P(
    Rules, PolicyRefusals,
    ::testing::Values(
        Refusal{"no name", with_rule("roles = [\"a\"]"), kRule, "\"name\" is missing"},
        Refusal{"bad name", rule_but("name = \"-r\""), kName, "a name has"},
        Refusal{"no roles",
                with_rule("name = \"r\"\nkeys = [\"k\"]\nactions = [\"sign\"]\n"
                          "result = \"value\""),
                kRule, "\"roles\" is missing"},
        Refusal{"no actions", with_rule("name = \"r\"\nroles = [\"a\"]\nresult = \"value\""), kRule,
                "\"actions\" is missing"},
        Refusal{"no result",
                with_rule("name = \"r\"\nroles = [\"a\"]\nkeys = [\"k\"]\nactions = [\"sign\"]"),
                kRule, "\"result\" is missing"},
        Refusal{"no keys",
                with_rule("name = \"r\"\nroles = [\"a\"]\nactions = [\"hash\", \"sign\"]\n"
                          "result = \"value\""),
                kRule, "\"keys\" is missing"},
        Refusal{"keys in vain", rule_but("actions = [\"hash\"]"), kRule, "no meaning"},
        Refusal{"empty roles", rule_but("roles = []"), kRoles, "is empty"},
        Refusal{"empty keys", rule_but("keys = []"), kKeys, "is empty"},
        Refusal{"empty actions", rule_but("actions = []"), kActions, "is empty"},
        Refusal{"empty databases", rule_but("databases = []"), kExtra, "is empty"},
        Refusal{"text for list", rule_but("roles = \"a\""), kRoles, "a list of strings"},
        Refusal{"number in list", rule_but("roles = [\"a\", 7]"), kRoles, "strings only"},
        Refusal{"twice in list", rule_but("roles = [\"a\", \"a\"]"), kRoles, "twice"},
        Refusal{"empty pattern", rule_but("roles = [\"\"]"), kRoles, "a pattern"},
        Refusal{"long pattern", rule_but("roles = [\"" + std::string(129, 'a') + "\"]"), kRoles,
                "a pattern"},
        Refusal{"control character", rule_but("databases = [\"a\\nb\"]"), kExtra, "a pattern"},
        Refusal{"impossible key", rule_but("keys = [\"a b\"]"), kKeys, "can match no name"},
        Refusal{"undeclared device", rule_but("devices = [\"db2\"]"), kExtra, "no [[device]]"},
        Refusal{"undeclared program", rule_but("programs = [\"psql\"]"), kExtra, "no [[program]]"},
        Refusal{"unknown action", rule_but("actions = [\"read\"]"), kActions, "unknown action"},
        Refusal{"glob action", rule_but("actions = [\"*\"]"), kActions, "unknown action"},
        Refusal{"upper case", rule_but("actions = [\"Decrypt\"]"), kActions, "unknown action"},
        Refusal{"unknown result", rule_but("result = \"allow\""), kResult, "result is"},
        Refusal{"misspelt field", rule_but("database = [\"shop\"]"), kExtra, "\"database\""},
        Refusal{"long list", rule_but(list_of(kMaxListEntries + 1)), kExtra, "more than"},
        Refusal{"twice",
                rule_but("result = \"value\"\n[[rule]]\nname = \"r\"\nroles = [\"a\"]\n"
                         "keys = [\"k\"]\nactions = [\"sign\"]\nresult = \"deny\""),
                kExtra, "second"}));

INSTANTIATE_TEST_SUITE_P(
    Results, PolicyRefusals,
    ::testing::Values(
        Refusal{"bad mask", rule_but("result = \"mask(first=65)\""), kResult, "0 to 64"},
        Refusal{"mask of a write", reading_but("result = \"mask(last=4)\"", "\"encrypt\""), kResult,
                "only reading"},
        Refusal{"null beside a write", reading_but("result = \"null\"", "\"decrypt\", \"rewrap\""),
                kResult, "only reading"},
        Refusal{"ciphertext of a signature", reading_but("result = \"ciphertext\"", "\"sign\""),
                kResult, "only reading"},
        Refusal{"masked", rule_but("result = \"masked\""), kResult, "a mask is"},
        Refusal{"limits of a denial", rule_but("result = \"deny\"\nlimits = [\"1 per day\"]"),
                kExtra, "nothing to limit"},
        Refusal{"bad limit", rule_but("limits = [\"1 per week\"]"), kExtra, "a limit is"},
        Refusal{"two limits of a span",
                rule_but("limits = [\"1 per day\", \"2 per day per role\"]"), kExtra,
                "one limit for each"}));

INSTANTIATE_TEST_SUITE_P(
    Conditions, PolicyRefusals,
    ::testing::Values(
        Refusal{"network", rule_but("networks = [\"10.1.2.3/8\"]"), kExtra, "behind its prefix"},
        Refusal{"client network", rule_but("client_networks = [\"local\"]"), kExtra, "no network"},
        Refusal{"empty networks", rule_but("networks = []"), kExtra, "is empty"},
        Refusal{"delegation as text", rule_but("delegation = \"no\""), kExtra, "true or false"},
        Refusal{"allowing delegation only", rule_but("delegation = true"), kExtra,
                "an allowing rule"},
        Refusal{"users without issuers", rule_but("users = [\"alice\"]"), kRule, "no [[issuer]]"},
        Refusal{"claims without issuers", rule_but("claims = { a = [\"b\"] }"), kRule,
                "no [[issuer]]"},
        Refusal{"undeclared issuer", rule_but("issuers = [\"idp\"]"), kExtra, "no [[issuer]]"},
        Refusal{"claims as a list", rule_but("claims = [\"a\"]"), kExtra, "write claims"},
        Refusal{"no claims", rule_but("claims = {}"), kExtra, "1 to"},
        Refusal{"claim as text", rule_but("claims = { a = \"b\" }"), kExtra, "a list of strings"},
        Refusal{"claim without a value", rule_but("claims = { a = [] }"), kExtra, "is empty"},
        Refusal{"hours without a zone", rule_but("hours = [\"08:00-18:00\"]"), kRule,
                "need a \"time_zone\""},
        Refusal{"zone without hours", rule_but("time_zone = \"UTC\""), kExtra, "no meaning"},
        Refusal{"unknown zone", rule_but("hours = [\"08:00-18:00\"]\ntime_zone = \"Mars\""),
                kExtra + 1, "time zone database"},
        Refusal{"bad hours", rule_but("hours = [\"8-18\"]\ntime_zone = \"UTC\""), kExtra,
                "no hours"},
        Refusal{"bad weekday", rule_but("weekdays = [\"Mon\"]\ntime_zone = \"UTC\""), kExtra,
                "no weekday"},
        Refusal{"local time", rule_but("not_before = 2026-01-01T00:00:00"), kExtra, "its offset"},
        Refusal{"day only", rule_but("not_after = 2026-01-01"), kExtra, "its offset"},
        Refusal{"time as text", rule_but("not_after = \"2026-01-01T00:00:00Z\""), kExtra,
                "its offset"},
        Refusal{"ends before it begins",
                rule_but("not_before = 2026-01-01T00:00:01+01:00\n"
                         "not_after = 2025-12-31T23:00:00Z"),
                kExtra + 1, "can never apply"},
        Refusal{"no Monday in the period",
                rule_but("not_before = 2026-01-06T00:00:00Z\nnot_after = 2026-01-10T00:00:00Z\n"
                         "weekdays = [\"mon\"]\ntime_zone = \"UTC\""),
                kExtra + 1, "can never apply"}));

constexpr std::string_view kKeyText =
    "\"-----BEGIN PUBLIC KEY-----\\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE="
    "\\n-----END PUBLIC KEY-----\"";

std::string with_issuer(std::string_view name, std::string_view keys, std::string_view more = "") {
  return "[[issuer]]\nname = \"" + std::string(name) +
         "\"\nissuer = \"https://idp\"\naudience = \"nae\"\npublic_keys = [" + std::string(keys) +
         "]\n" + std::string(more) + "\n";
}

INSTANTIATE_TEST_SUITE_P(
    Issuers, PolicyRefusals,
    ::testing::Values(
        Refusal{"no key", "version = 1\n" + with_issuer("idp", ""), 6, "is empty"},
        Refusal{"no PEM", "version = 1\n" + with_issuer("idp", "\"key\""), 6, "one PEM block"},
        Refusal{"no issuer", "version = 1\n[[issuer]]\nname = \"idp\"", 2, "\"issuer\" is missing"},
        Refusal{"large skew",
                "version = 1\n" + with_issuer("idp", kKeyText, "clock_skew_seconds = 301"), 7,
                "0 to 300"},
        Refusal{"negative skew",
                "version = 1\n" + with_issuer("idp", kKeyText, "clock_skew_seconds = -1"), 7,
                "0 to 300"},
        Refusal{"unknown field", "version = 1\n" + with_issuer("idp", kKeyText, "jwks = \"x\""), 7,
                "\"jwks\""},
        Refusal{"twice",
                "version = 1\n" + with_issuer("idp", kKeyText) + with_issuer("idp", kKeyText), 8,
                "second"}));

TEST(PolicyParse, SeveralIssuersMustBeToldApart) {
  std::string rule = rule_but("users = [\"alice\"]");
  EXPECT_TRUE(parse(rule + with_issuer("a", kKeyText)));
  std::string both = with_issuer("a", kKeyText) + with_issuer("b", kKeyText);
  EXPECT_THAT(refusal(rule + both).message, ::testing::HasSubstr("say which by \"issuers\""));
  EXPECT_TRUE(parse(rule_but("users = [\"alice\"]\nissuers = [\"a\"]") + both));
  EXPECT_TRUE(parse(rule_but("result = \"deny\"\nusers = [\"alice\"]") + both))
      << "a denial may mean any";
  auto document = parse(rule + with_issuer("a", kKeyText, "clock_skew_seconds = 300"));
  EXPECT_EQ(document->issuer("a")->clock_skew_seconds, 300);
  EXPECT_EQ(document->issuer("a")->public_keys.size(), 1u);
}

TEST(PolicyParse, ReadsTheExampleOfTheSpecification) {
  std::ifstream in(NAE_SOURCE_DIR "/docs/spec/policy.md");
  std::string page((std::istreambuf_iterator<char>(in)), {});
  constexpr std::string_view kOpening = "```toml\n";
  auto begin = page.find(kOpening) + kOpening.size();
  auto document = parse(page.substr(begin, page.find("```", begin) - begin));
  ASSERT_TRUE(document) << document.error().message;
  EXPECT_EQ(document->rules.size(), 5u);
}

TEST(PolicyParse, LimitsHoldAtTheEdge) {
  EXPECT_TRUE(parse(rule_but(list_of(kMaxListEntries))));
  EXPECT_TRUE(parse(rule_but("roles = [\"" + std::string(kMaxPatternBytes, 'a') + "\"]")));
  std::string rules = "version = 1\n";
  for (std::size_t i = 0; i < kMaxRules; ++i)
    rules += "[[device]]\nname = \"d" + std::to_string(i) + "\"\n";
  EXPECT_TRUE(parse(rules));
  EXPECT_EQ(refusal(rules + "[[device]]\nname = \"x\"\n").code, Code::policy_invalid);
  std::string padded(kDeclarations);
  padded += '#' + std::string(kMaxDocumentBytes - padded.size() - 1, 'x');
  EXPECT_TRUE(parse(padded));
  EXPECT_EQ(refusal(padded + "x").code, Code::policy_invalid);
}

TEST(PolicyParse, NoPrefixOfADocumentCrashesOrWidens) {
  std::string text = rule_but("name = \"r\"");
  for (std::size_t size = 0; size < text.size(); ++size) {
    auto document = parse(text.substr(0, size));
    if (document && !document->rules.empty()) {
      ASSERT_EQ(size, text.size() - 1) << "only the last newline may be missing";
    }
  }
}

}  // namespace
}  // namespace nae::policy

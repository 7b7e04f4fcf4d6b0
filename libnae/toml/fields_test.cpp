#include "libnae/toml/fields.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nae::toml_fields {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

toml::table table_of(std::string_view text) {
  auto table = parse(text, "file.toml", Code::config_invalid);
  EXPECT_TRUE(table) << table.error().message;
  return table ? std::move(*table) : toml::table();  // a copy would not know its lines
}

// What reading the text's fields by `read` ends in; empty: it was accepted.
template <class Read>
std::string refusal(std::string_view text, Read read) {
  const toml::table table = table_of(text);
  Fields fields(table, "file.toml", "part", Code::config_invalid);
  read(fields);
  auto finished = fields.finish();
  if (finished) return {};
  EXPECT_EQ(finished.error().code, Code::config_invalid);
  return finished.error().message;
}

TEST(TomlParse, NamesSourceAndLineOfWhatIsNoToml) {
  for (std::string_view text : {"a = 1\nb =\n", "a = 1\nb = 1 2\n", "a = 1\na = 2\n", "\n[t\n"}) {
    auto table = parse(text, "file.toml", Code::policy_invalid);
    ASSERT_FALSE(table) << text;
    EXPECT_EQ(table.error().code, Code::policy_invalid);
    EXPECT_THAT(table.error().message, StartsWith("file.toml:2: "));
  }
}

// Found by the fuzzer: toml++ ends the process at these instead of in its error.
TEST(TomlParse, RefusesWhatTheLibraryAsserts) {
  EXPECT_FALSE(parse("[&", "f", Code::config_invalid));
  EXPECT_FALSE(parse("a = \u00a1", "f", Code::config_invalid));
  EXPECT_FALSE(parse("\u0499", "f", Code::config_invalid));
  EXPECT_FALSE(parse(std::string_view("a\0 = 1", 6), "f", Code::config_invalid));
}

TEST(TomlParse, RefusesAFileThatIsNotThere) {
  auto table = parse_file("/nowhere/file.toml", Code::config_invalid);
  ASSERT_FALSE(table);
  EXPECT_EQ(table.error().code, Code::config_invalid);
  EXPECT_EQ(table.error().message, "cannot read /nowhere/file.toml");
}

TEST(TomlFields, LeaveWhatIsAbsentAsItWas) {
  std::string text = "kept";
  std::vector<std::string> texts{"kept"};
  bool boolean = true;
  int number = 5;
  std::chrono::seconds duration{7};
  std::filesystem::path path = "/kept";
  EXPECT_EQ(refusal("",
                    [&](Fields& f) {
                      f.text("text", text);
                      f.texts("texts", texts);
                      f.boolean("boolean", boolean);
                      f.integer("number", number, 1, 10);
                      f.duration("duration", duration, 1, 10);
                      f.path("path", path, "/base");
                      EXPECT_EQ(f.table("table"), nullptr);
                      EXPECT_TRUE(f.tables("tables").empty());
                    }),
            "");
  EXPECT_EQ(text, "kept");
  EXPECT_THAT(texts, ElementsAre("kept"));
  EXPECT_TRUE(boolean);
  EXPECT_EQ(number, 5);
  EXPECT_EQ(duration.count(), 7);
  EXPECT_EQ(path, "/kept");
}

TEST(TomlFields, TakeNumbersAtBothEdgesAndNoneBeyond) {
  for (auto [written, wanted] : {std::pair("1", 1), {"10", 10}, {"0x0a", 10}}) {
    int number = 5;
    EXPECT_EQ(
        refusal("n = " + std::string(written), [&](Fields& f) { f.integer("n", number, 1, 10); }),
        "");
    EXPECT_EQ(number, wanted);
  }
  for (std::string written :
       {"0", "11", "-1", "9223372036854775807", "1.0", "\"1\"", "true", "[1]"}) {
    int number = 5;
    std::chrono::seconds duration{5};
    EXPECT_EQ(refusal("\nn = " + written, [&](Fields& f) { f.integer("n", number, 1, 10); }),
              "file.toml:2: part.n: must be a whole number from 1 to 10");
    EXPECT_THAT(refusal("n = " + written, [&](Fields& f) { f.duration("n", duration, 1, 10); }),
                HasSubstr("from 1 to 10"));
    EXPECT_EQ(number, 5) << written;
    EXPECT_EQ(duration.count(), 5) << written;
  }
}

TEST(TomlFields, TakeNoValueOfAnotherType) {
  std::string text = "kept";
  bool boolean = true;
  for (const char* written : {"1", "true", "[]", "{}", "1979-05-27"})
    EXPECT_THAT(refusal("f = " + std::string(written), [&](Fields& f) { f.text("f", text); }),
                HasSubstr("must be a text"));
  for (const char* written : {"1", "\"true\"", "[true]"})
    EXPECT_THAT(refusal("f = " + std::string(written), [&](Fields& f) { f.boolean("f", boolean); }),
                HasSubstr("must be true or false"));
  EXPECT_EQ(text, "kept");
  EXPECT_TRUE(boolean);
}

TEST(TomlFields, TakeNoOtherWordThanThoseThatAreKnown) {
  std::string word = "kept";
  constexpr std::string_view kWords[] = {"one", "two", "three"};
  const auto read = [&](Fields& f) { f.word("f", word, kWords); };
  EXPECT_EQ(refusal("", read), "");
  for (const char* written : {"''", "'tw'", "'TWO'", "'two '", "'twoo'", "2", "['two']", "true"}) {
    EXPECT_EQ(refusal("\nf = " + std::string(written), read),
              "file.toml:2: part.f: must be one, two or three")
        << written;
    EXPECT_EQ(word, "kept") << written;
  }
  for (const char* known : {"one", "two", "three"}) {
    EXPECT_EQ(refusal("f = '" + std::string(known) + "'", read), "");
    EXPECT_EQ(word, known);
  }
  EXPECT_THAT(refusal("f = ''", [&](Fields& f) { f.word("f", word, std::span(kWords).first(1)); }),
              EndsWith(": must be one"));
}

TEST(TomlFields, TakeListsOfTextsThatAreNotEmpty) {
  std::vector<std::string> texts{"kept"};
  const auto read = [&](Fields& f) { f.texts("f", texts); };
  for (const char* written : {"[]", "\"a\"", "{}"})
    EXPECT_THAT(refusal("f = " + std::string(written), read),
                HasSubstr("list of texts, not empty"));
  EXPECT_THAT(refusal("f = [\"a\",\n 1]", read),
              StartsWith("file.toml:2: part.f: must hold texts"));
  EXPECT_THAT(texts, ElementsAre("kept")) << "none of a list that is refused";
  EXPECT_EQ(refusal("f = [\"a\", \"\"]", read), "");
  EXPECT_THAT(texts, ElementsAre("a", ""));
}

TEST(TomlFields, StartRelativePathsAtTheBase) {
  std::filesystem::path path;
  const auto read = [&](Fields& f) { f.path("f", path, "/base"); };
  EXPECT_EQ(refusal("f = \"a/b\"", read), "");
  EXPECT_EQ(path, "/base/a/b");
  EXPECT_EQ(refusal("f = \"/a\"", read), "");
  EXPECT_EQ(path, "/a");
  EXPECT_THAT(refusal("f = \"\"", read), HasSubstr("must not be empty"));
  EXPECT_THAT(refusal("f = 1", read), HasSubstr("must be a text"));
  EXPECT_EQ(path, "/a");
}

TEST(TomlFields, TellTablesFromWhatIsNone) {
  const auto one = [](Fields& f) { EXPECT_EQ(f.table("t"), nullptr); };
  const auto many = [](Fields& f) { EXPECT_TRUE(f.tables("t").empty()); };
  EXPECT_THAT(refusal("t = 1", one), HasSubstr("part.t: must be a table"));
  EXPECT_THAT(refusal("t = [{}]", one), HasSubstr("must be a table"));
  EXPECT_THAT(refusal("t = {}", many), HasSubstr("must be an array of tables"));
  EXPECT_THAT(refusal("t = [{}, 1]", many), HasSubstr("must be an array of tables"));
  EXPECT_EQ(refusal("[[t]]\n[[t]]", [](Fields& f) { EXPECT_EQ(f.tables("t").size(), 2u); }), "");
}

// A typing error must not pass as a default.
TEST(TomlFields, RefuseWhatNobodyAskedFor) {
  std::string text;
  EXPECT_EQ(refusal("text = 'a'\ntxet = 'b'", [&](Fields& f) { f.text("text", text); }),
            "file.toml:2: part.txet: is not a known field");
}

TEST(TomlFields, RequireWhatIsMissing) {
  EXPECT_EQ(refusal("", [](Fields& f) { f.require("f"); }), "file.toml:1: part.f: is required");
}

TEST(TomlFields, AnswerTheFirstFailure) {
  std::string text;
  const auto read = [&](Fields& f) {
    f.text("a", text);
    f.refuse("b", "is wrong");
    f.require("c");
  };
  EXPECT_THAT(refusal("b = 1\na = 2", read), HasSubstr("part.a: must be a text"));
  EXPECT_THAT(refusal("b = 1", read), HasSubstr("part.b: is wrong"));
}

TEST(TomlFields, CallAFieldOfTheWholeDocumentByItsNameAlone) {
  const toml::table table = table_of("a = 1");
  Fields fields(table, "file.toml", "", Code::config_invalid);
  EXPECT_EQ(fields.finish().error().message, "file.toml:1: a: is not a known field");
}

}  // namespace
}  // namespace nae::toml_fields

#include "libnae/base/log_text.hpp"

#include <gtest/gtest.h>

namespace nae {
namespace {

TEST(LogText, NoTextMakesASecondLineOrEndsItsQuotes) {
  EXPECT_EQ(quoted_text("x\" event=audit-recovered"), R"("x\" event=audit-recovered")");
  EXPECT_EQ(quoted_text("x\\"), R"("x\\")");
  EXPECT_EQ(quoted_text("a\nb\r\t\x1b[2J\x7f"), R"("a\u000ab\u000d\u0009\u001b[2J\u007f")");
  EXPECT_EQ(quoted_text(std::string_view("\0", 1)), R"("\u0000")");
  EXPECT_EQ(quoted_text("\xc2\x9b"
                        "31m"),
            R"("\u009b31m")")
      << "C1";
  EXPECT_EQ(quoted_text("a\u202eb\u2066c\u2028d\u200fe"), R"("a\u202eb\u2066c\u2028d\u200fe")");
}

TEST(LogText, WhatIsNoUtf8IsReplaced) {
  for (std::string_view bytes : {"\xff", "\x80", "\xc0\xaf", "\xed\xa0\x80", "\xf5\x80\x80\x80"}) {
    const std::string shown = quoted_text(bytes);
    EXPECT_EQ(shown.find(bytes), std::string::npos);
    EXPECT_NE(shown.find("\xef\xbf\xbd"), std::string::npos);
  }
  EXPECT_EQ(quoted_text("\xe2\x82"), "\"\xef\xbf\xbd\xef\xbf\xbd\"") << "cut off";
}

TEST(LogText, OtherTextsStay) {
  for (std::string_view text : {"", "nae-agent 0.1.0", "/usr/lib/postgresql/15/bin/postgres",
                                "\xc3\xa4\xe2\x82\xac\xf0\x9f\x94\x91"})
    EXPECT_EQ(without_controls(text), text);
  EXPECT_EQ(without_controls("a\"b\\c"), "a\"b\\c") << "the quotes of a cell are its own matter";
}

}  // namespace
}  // namespace nae

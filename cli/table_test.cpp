#include "cli/table.hpp"

#include <gtest/gtest.h>

#include <sstream>

#include "cli/exit_code.hpp"
#include "cli/server.hpp"

namespace nae::cli {
namespace {

TEST(TableTest, ColumnsFitTheirWidestCell) {
  Table table({"NAME", "X"});
  table.add({"m\xc3\xbcller", "1"});
  table.add({"a", "22"});
  std::ostringstream out;
  table.print(out);
  EXPECT_EQ(out.str(), "NAME    X\nm\xc3\xbcller  1\na       22\n");
}

TEST(TableTest, WhatDoesNotFitLosesWhatCanBeDispensedWith) {
  Table table({"NAME", "ID", "AT (CET)"});
  table.add({"alpha", "0123456789", "now"});
  auto printed = [&](std::size_t columns, bool whole) {
    std::ostringstream out;
    EXPECT_EQ(table.print(out, columns, {"ID", "AT"}), whole);
    return out.str();
  };
  const std::string all = "NAME   ID          AT (CET)\nalpha  0123456789  now\n";
  EXPECT_EQ(printed(27, true), all);
  EXPECT_EQ(printed(0, true), all);
  EXPECT_EQ(printed(26, false), "NAME   AT (CET)\nalpha  now\n");
  EXPECT_EQ(printed(15, false), "NAME   AT (CET)\nalpha  now\n");
  EXPECT_EQ(printed(14, false), "NAME\nalpha\n");
  // Nothing is left to leave out: then everything, a line each, as psql's \\x does.
  EXPECT_EQ(printed(4, true), "NAME      alpha\nID        0123456789\nAT (CET)  now\n");
}

TEST(TableTest, OfRowsInLinesEmptyCellsAreLeftOut) {
  Table table({"A", "B"});
  table.add({"first", ""});
  table.add({"second", "x"});
  std::ostringstream out;
  EXPECT_TRUE(table.print(out, 3));
  EXPECT_EQ(out.str(), "A  first\n\nA  second\nB  x\n");
}

TEST(TableTest, NothingMovesTheCursor) {
  EXPECT_EQ(printable("a\x1b[2Jb\n\x7f"), "a\\x1b[2Jb\\x0a\\x7f");
  EXPECT_EQ(printable("\xc2\x9b[2J"), "\\x9b[2J");  // CSI as one character
  EXPECT_EQ(printable("\xc3\xa4\xe2\x82\xac"), "\xc3\xa4\xe2\x82\xac");
}

TEST(ParametersTest, AreEncoded) {
  EXPECT_EQ(with_parameters("/v1/audit", {{"role", "a b&c=d"}, {"key", ""}, {"limit", "5"}}),
            "/v1/audit?role=a%20b%26c%3Dd&limit=5");
  EXPECT_EQ(with_parameters("/v1/audit", {{"role", ""}}), "/v1/audit");
}

TEST(ExitCodeTest, TellsRefusalFromFailure) {
  EXPECT_EQ(exit_code(Error(Code::admin_role_missing, ""), true), kRefused);
  EXPECT_EQ(exit_code(Error(Code::key_exists, ""), true), kRefused);
  EXPECT_EQ(exit_code(Error(Code::hsm_unavailable, ""), true), kServerFailed);
  EXPECT_EQ(exit_code(Error(Code::tls_failed, ""), false), kUnreachable);
  EXPECT_EQ(exit_code(Error(Code::file_failed, ""), false), kUsage);
}

}  // namespace
}  // namespace nae::cli

#include "cli/audit_logs.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace nae::cli {
namespace {

class AuditLogs : public ::testing::Test {
 protected:
  Outcome<std::vector<NodeLog>> open(const LogsOptions& options) {
    return open_logs(call_, options);
  }
  std::ostringstream out_, err_;
  const Terminal terminal_{};
  Call call_{out_, err_, terminal_, {}};
};

TEST(NamedText, TakesANameBeforeTheFirstSign) {
  EXPECT_EQ(named_text("ks1=/a=b")->name, "ks1");
  EXPECT_EQ(named_text("ks1=/a=b")->text, "/a=b");
  for (const char* text : {"", "ks1", "ks1=", "=x", "/mnt/a=b", "./a=b", "k s=x"})
    EXPECT_FALSE(named_text(text)) << text;
}

TEST(LogsOptionsTest, OneDirectoryWithoutANameIsOneLog) {
  EXPECT_TRUE(LogsOptions{}.is_one());
  EXPECT_TRUE((LogsOptions{false, {}, {"/mnt/a=b"}}.is_one()));
  EXPECT_FALSE((LogsOptions{false, {}, {"ks1=/mnt/a"}}.is_one()));
  EXPECT_FALSE((LogsOptions{false, {}, {"/mnt/a", "/mnt/b"}}.is_one()));
  EXPECT_FALSE((LogsOptions{true, {}, {}}.is_one()));
  EXPECT_FALSE((LogsOptions{false, {"ks1=10.0.0.1:7443"}, {}}.is_one()));
}

TEST_F(AuditLogs, AreInTheOrderOfTheirNames) {
  const auto logs = open({false, {}, {"ks2=/b", "ks1=/a"}});
  ASSERT_TRUE(logs);
  ASSERT_EQ(logs->size(), 2u);
  EXPECT_EQ((*logs)[0].node + (*logs)[0].source(), "ks1/a");
  EXPECT_EQ((*logs)[1].directory, "/b");
  EXPECT_EQ(reading_exit_code(*logs), kOk);
}

TEST_F(AuditLogs, WithoutANameOrWithOneTwiceAreRefused) {
  for (const LogsOptions& options :
       {LogsOptions{false, {}, {"/a", "/b"}}, LogsOptions{false, {"10.0.0.1:7443"}, {}},
        LogsOptions{false, {}, {"ks1=/a", "ks1=/b"}},
        LogsOptions{false, {"ks1=10.0.0.1:7443"}, {"ks1=/a"}}}) {
    const auto logs = open(options);
    ASSERT_FALSE(logs);
    EXPECT_EQ(logs.error().error.code, Code::invalid_argument);
  }
}

TEST_F(AuditLogs, WhereNobodyIsReachedOneIsUnreadAndIsTold) {
  auto logs = open({false, {"ks1=0.0.0.0:7443", "ks2=[::]:7443"}, {"ks3=/c"}});
  ASSERT_TRUE(logs);
  EXPECT_TRUE((*logs)[0].unread && (*logs)[1].unread && !(*logs)[2].unread);
  EXPECT_NE(err_.str().find("THE LOG OF ks1 WAS NOT READ"), std::string::npos);
  int read = 0;
  ask_each(
      call_, *logs,
      [&](NodeLog&) -> Outcome<json::value> {
        ++read;
        return tl::unexpected<Failure>(Error(Code::file_failed, "it is gone"));
      },
      [](NodeLog&, json::value&) { ADD_FAILURE() << "nothing was read"; });
  EXPECT_EQ(read, 1);
  EXPECT_NE(err_.str().find("THE LOG OF ks3 WAS NOT READ: it is gone"), std::string::npos);
  EXPECT_NE(reading_exit_code(*logs), kOk);
  const json::array told = describe_logs(*logs);
  EXPECT_EQ(admin::api::shown(told.at(2), "read"), "false");
  EXPECT_EQ(admin::api::shown(told.at(2), "problem"), "it is gone");
}

}  // namespace
}  // namespace nae::cli

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

TEST_F(AuditLogs, WithoutANameOrWithOneOrAPlaceTwiceAreRefused) {
  for (const LogsOptions& options :
       {LogsOptions{false, {}, {"/a", "/b"}}, LogsOptions{false, {"10.0.0.1:7443"}, {}},
        LogsOptions{false, {}, {"ks1=/a", "ks1=/b"}}, LogsOptions{false, {}, {"ks1=/a", "ks2=/a"}},
        LogsOptions{false, {"ks1=10.0.0.1:7443", "ks2=https://10.0.0.1:7443"}, {}},
        LogsOptions{false, {"ks1=10.0.0.1:7443"}, {"ks1=/a"}}}) {
    const auto logs = open(options);
    ASSERT_FALSE(logs);
    EXPECT_EQ(logs.error().error.code, Code::invalid_argument) << logs.error().error.message;
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

// A key server that says that it is `node`.
class NamedServer final : public Server {
 public:
  explicit NamedServer(std::string node) : node_(std::move(node)) {}
  Outcome<json::value> call(const char*, const std::string& path, const json::object&) override {
    EXPECT_EQ(path, "/v1/status");
    if (node_.empty()) return json::object{{"server_id", "s"}};
    return json::object{{"node", node_}};
  }
  const std::filesystem::path& authority() const override { return authority_; }

 private:
  std::string node_;
  std::filesystem::path authority_;
};

TEST(CheckNode, TheLogOfAnotherNodeIsNotTakenForItsOwn) {
  for (const auto& [says, read] : {std::pair{"ks1", true}, {"ks2", false}, {"", false}}) {
    NodeLog log;
    log.node = "ks1";
    log.address = "https://10.0.0.1:7443";
    log.server = std::make_unique<NamedServer>(says);
    check_node(log);
    EXPECT_EQ(!log.unread, read) << says;
    if (log.unread) {
      EXPECT_EQ(log.unread->error.code, Code::server_unavailable);
    }
  }
}

TEST(UrlOf, AnIpv6AddressHasBrackets) {
  EXPECT_EQ(url_of("10.0.0.1:7443"), "https://10.0.0.1:7443");
  EXPECT_EQ(url_of("ks1.example:7443"), "https://ks1.example:7443");
  EXPECT_EQ(url_of("fd00::1:7443"), "https://[fd00::1]:7443");
  EXPECT_EQ(url_of("[fd00::1]:7443"), "https://[fd00::1]:7443");
  EXPECT_EQ(url_of("https://ks1:7443"), "https://ks1:7443");
}

}  // namespace
}  // namespace nae::cli

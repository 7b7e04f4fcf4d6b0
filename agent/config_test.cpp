#include "agent/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/test_certificates.hpp"

namespace nae::agent {
namespace {

using net::testing::must;
using ::testing::HasSubstr;

constexpr char kServers[] = "servers = [\"keys.example:7443\", \"[::1]:7443\"]\n";
constexpr char kTls[] = "[tls]\ncertificate = \"c.pem\"\nkey = \"/k.pem\"\nauthority = \"a.pem\"\n";
constexpr char kProgram[] =
    "[[program]]\nname = \"postgres\"\nuid = \"root\"\nexecutable = \"/opt/none/postgres\"\n";

class AgentConfigTest : public ::testing::Test {
 protected:
  Result<Config> load(const std::string& text) {
    net::testing::write_file(directory_ / "agent.toml", text, 0644);
    return load_config(directory_ / "agent.toml");
  }
  std::string refusal(const std::string& text) {
    auto config = load(text);
    if (config) return "was accepted";
    EXPECT_EQ(config.error().code, Code::config_invalid);
    EXPECT_THAT(config.error().message, HasSubstr("agent.toml"));
    return config.error().message;
  }
  net::testing::TemporaryDirectory directory_;
};

TEST_F(AgentConfigTest, ReadsEveryField) {
  std::string digest(64, 'a');
  Config config = must(load(
      "socket = \"agent.sock\"\nsocket_mode = \"0600\"\nconnections_per_server = 3\n" +
      std::string(kServers) + kTls +
      "[limits]\nmax_frame_bytes = 1048576\nmax_items = 100\nmax_clients = 5\n"
      "max_outstanding_per_client = 6\nmax_buffered_bytes = 2097152\nrequest_timeout_ms = 7000\n"
      "unavailable_wait_ms = 0\nconnect_timeout_ms = 900\nstop_timeout_ms = 800\n"
      "[log]\nlevel = \"debug\"\n" +
      kProgram + "sha256 = [\"" + digest + "\"]\nsystemd_unit = \"postgresql.service\"\n" +
      "[[program]]\nname = \"batch\"\nuid = 1234\nexecutable = \"/opt/none/batch\"\n"));
  EXPECT_EQ(config.socket, directory_ / "agent.sock");
  EXPECT_EQ(config.socket_mode, 0600u);
  EXPECT_EQ(config.servers[1], (net::Endpoint{"::1", 7443}));
  EXPECT_EQ(config.tls.certificate, directory_ / "c.pem");
  EXPECT_EQ(config.tls.key, "/k.pem");
  EXPECT_EQ(config.limits.max_buffered_bytes, 2u << 20);
  EXPECT_EQ(config.limits.request_timeout.count(), 7000);
  ASSERT_EQ(config.programs.size(), 2u);
  EXPECT_EQ(config.programs[0].uid, 0u);
  EXPECT_EQ(config.programs[0].sha256[0], Bytes(32, 0xaa));
  EXPECT_EQ(config.programs[1].uid, 1234u);
}

TEST_F(AgentConfigTest, RenewsInPlaceUnlessItIsToldWhere) {
  const auto with = [](std::string_view more) {
    return std::string(kServers) + kTls + std::string(more) + kProgram;
  };
  Config config = must(load(with("")));
  EXPECT_TRUE(config.renewal.enabled);
  EXPECT_EQ(config.renewal.file, directory_ / "c.pem");
  config = must(load(with("renew = false\nrenewed_certificate = \"r.pem\"\n")));
  EXPECT_FALSE(config.renewal.enabled);
  EXPECT_EQ(config.renewal.file, directory_ / "r.pem");
  EXPECT_THAT(refusal(with("renew = \"yes\"\n")), HasSubstr("renew"));
  EXPECT_THAT(refusal(with("renewed_certificate = 7\n")), HasSubstr("renewed_certificate"));
}

TEST_F(AgentConfigTest, RefusesWhatIsMissing) {
  EXPECT_THAT(refusal(std::string(kTls) + kProgram), HasSubstr("servers"));
  EXPECT_THAT(refusal(std::string(kServers) + kProgram), HasSubstr("tls"));
  EXPECT_THAT(refusal(std::string(kServers) + kTls), HasSubstr("program"));
  for (const char* field : {"name", "uid", "executable"}) {
    std::string program = kProgram;
    std::size_t at = program.find(field);
    program.erase(at, program.find('\n', at) - at + 1);
    EXPECT_THAT(refusal(std::string(kServers) + kTls + program), HasSubstr(field));
  }
}

TEST_F(AgentConfigTest, RefusesWhatIsWrong) {
  std::string rest = std::string(kTls) + kProgram;
  EXPECT_THAT(refusal("servers = [\"nowhere\"]\n" + rest), HasSubstr("nowhere"));
  EXPECT_THAT(refusal("servers = []\n" + rest), HasSubstr("servers"));
  EXPECT_THAT(refusal("serverz = 1\n" + std::string(kServers) + rest), HasSubstr("serverz"));
  for (const char* mode : {"\"0999\"", "\"1777\"", "\"rw\"", "660"})
    EXPECT_THAT(refusal("socket_mode = " + std::string(mode) + "\n" + kServers + rest),
                HasSubstr("socket_mode"));
  std::string good = kServers + rest;
  EXPECT_THAT(refusal(good + "sha256 = [\"abcd\"]\n"), HasSubstr("sha256"));
  EXPECT_THAT(refusal(good + "digest = \"x\"\n"), HasSubstr("digest"));
  EXPECT_THAT(refusal(good + "[limits]\nmax_clients = 0\n"), HasSubstr("max_clients"));
  EXPECT_THAT(refusal(good + "[log]\nlevel = \"loud\"\n"), HasSubstr("level"));
  EXPECT_THAT(refusal(good + "[log]\nformat = \"xml\"\n"),
              HasSubstr("log.format: must be auto, text, json or journal"));
  EXPECT_THAT(refusal(std::string(kServers) + kTls +
                      "[[program]]\nname = \"p\"\nuid = \"no such user\"\nexecutable = \"/x\"\n"),
              HasSubstr("no such user"));
  EXPECT_THAT(refusal("servers = ["), HasSubstr("agent.toml"));
}

TEST_F(AgentConfigTest, TakesTheRoleFromTheUserWhereItIsSaid) {
  const std::string good = std::string(kServers) + kTls + kProgram;
  EXPECT_EQ(must(load(good)).programs[0].unix_role, "");
  EXPECT_EQ(must(load(good + "roles = \"database\"\n")).programs[0].unix_role, "");
  EXPECT_EQ(must(load(good + "roles = \"unix\"\n")).programs[0].unix_role, "unix:root");
  for (const char* wrong : {"\"\"", "\"Unix\"", "\"root\"", "true", "[\"unix\"]"})
    EXPECT_THAT(refusal(good + "roles = " + wrong + "\n"), HasSubstr("roles")) << wrong;
}

// In a container the user has a number and often no name, and templates write texts.
TEST_F(AgentConfigTest, TakesAUserByNameOrNumber) {
  auto with = [&](const std::string& uid) {
    return std::string(kServers) + kTls + "[[program]]\nname = \"p\"\nuid = " + uid +
           "\nexecutable = \"/x\"\n";
  };
  for (const char* number : {"54321", "\"54321\""})
    EXPECT_EQ(must(load(with(number))).programs[0].uid, 54'321u) << number;
  EXPECT_EQ(must(load(with("\"0\""))).programs[0].uid, 0u);
  EXPECT_EQ(must(load(with("\"4294967294\""))).programs[0].uid, 4'294'967'294u);
  for (const char* wrong : {"\"4294967295\"", "\"4294967296\"", "\"-1\"", "\" 1\"", "\"1x\"",
                            "\"\"", "\"0x10\"", "-1", "4294967295", "1.5"})
    EXPECT_THAT(refusal(with(wrong)), HasSubstr("uid")) << wrong;
}

// Plain HTTP without a certificate must not leave the host.
TEST_F(AgentConfigTest, TellsMetricsOnLoopbackAlone) {
  auto with = [&](const std::string& address) {
    return "metrics_listen = \"" + address + "\"\n" + kServers + kTls + kProgram;
  };
  EXPECT_FALSE(must(load(std::string(kServers) + kTls + kProgram)).metrics_listen);
  for (const char* good : {"127.0.0.1:9187", "127.8.0.1:1", "[::1]:9187"})
    EXPECT_EQ(net::to_string(must(load(with(good))).metrics_listen.value()), good);
  for (const char* bad : {"0.0.0.0:9187", "[::]:9187", "10.0.0.1:9187", "[::ffff:10.0.0.1]:9187",
                          "128.0.0.1:9187", "localhost:9187", "127.1:9187", "127.0.0.1", ""})
    EXPECT_THAT(refusal(with(bad)), HasSubstr("metrics_listen")) << bad;
}

TEST_F(AgentConfigTest, LeavesDescriptorsForAllConnectionsToKeyServers) {
  const std::string rest = std::string(kServers) + kTls + kProgram;
  EXPECT_EQ(own_descriptors(must(load(rest))), 64u + 2 * (2 + 15) * 2);
  EXPECT_EQ(own_descriptors(must(load("discover = false\nconnections_per_server = 3\n" + rest))),
            64u + 2 * 2 * 3);
}

TEST_F(AgentConfigTest, NamesTheLine) {
  EXPECT_THAT(refusal("\n\nsocket_mode = \"x\"\n" + std::string(kServers) + kTls + kProgram),
              HasSubstr(":3"));
}

}  // namespace
}  // namespace nae::agent

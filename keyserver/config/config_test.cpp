#include "keyserver/config/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace nae::config {
namespace {

using ::testing::HasSubstr;

class ConfigTest : public ::testing::Test {
 protected:
  void SetUp() override {
    directory_ =
        std::filesystem::temp_directory_path() / ("nae-config-" + std::to_string(::getpid()));
    std::filesystem::create_directories(directory_);
    for (const char* name : {"server.pem", "server.key", "authority.pem", "pin", "module.so"})
      std::ofstream(directory_ / name) << "x";
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  Result<Config> read(const std::string& text) {
    auto file = directory_ / "nae-keyserver.toml";
    std::ofstream(file) << text;
    return load(file);
  }
  static std::string good() {
    return "[tls]\ncertificate = 'server.pem'\nkey = 'server.key'\nclient_authority = "
           "'authority.pem'\n"
           "[hsm]\nmodule = 'module.so'\ntoken_label = 'nae'\npin_file = 'pin'\n"
           "[store]\npath = 'keys.db'\n[audit]\ndirectory = 'audit'\n";
  }
  void expect_refused(const std::string& text, const std::string& why) {
    auto config = read(text);
    ASSERT_FALSE(config.has_value()) << text;
    EXPECT_EQ(config.error().code, Code::config_invalid);
    EXPECT_THAT(config.error().message, HasSubstr(why));
    EXPECT_THAT(config.error().message, HasSubstr("nae-keyserver.toml"));
  }
  std::filesystem::path directory_;
};

TEST_F(ConfigTest, RefusesWhatItDoesNotKnow) {
  expect_refused(good() + "[server]\nlissten = 'x'\n", "server.lissten: is not a known field");
  expect_refused(good() + "[sever]\n", "sever: is not a known field");
  expect_refused("[tls\n", "nae-keyserver.toml:1");
}

TEST_F(ConfigTest, AModuleHasNoParametersUnlessGiven) {
  EXPECT_EQ(read(good())->hsm.module_parameters, "");
  const std::string hsm = "[hsm]\n";
  std::string text = good();
  text.replace(text.find(hsm), hsm.size(), hsm + "module_parameters = \"configdir='sql:/x'\"\n");
  EXPECT_EQ(read(text)->hsm.module_parameters, "configdir='sql:/x'");
  text.replace(text.find("\"configdir"), 1, "7 #");
  expect_refused(text, "hsm.module_parameters");
}

TEST_F(ConfigTest, RefusesWhatIsMissing) {
  expect_refused("", "tls: is required");
  expect_refused("[tls]\ncertificate='server.pem'\nkey='server.key'\n",
                 "tls.client_authority: is required");
  expect_refused(
      "[tls]\ncertificate='none.pem'\nkey='server.key'\nclient_authority='authority.pem'\n",
      "is not a file");
}

TEST_F(ConfigTest, RefusesValuesOutOfRange) {
  expect_refused(good() + "[server]\nlisten = '127.0.0.1'\n", "HOST:PORT");
  expect_refused(good() + "[server]\nlisten = '127.0.0.1:65536'\n", "port");
  expect_refused(good() + "[server]\nlisten = '127.0.0.1:'\n", "port");
  expect_refused(good() + "[server]\nthreads = 257\n", "0 to 256");
  expect_refused(good() + "[server]\nthreads = '2'\n", "whole number");
  expect_refused(good() + "[limits]\nsecure_memory_kib = 3000\n", "power of two");
  expect_refused(good() + "[limits]\nmax_frame_bytes = 67108865\n", "67108864");
  expect_refused(good() + "[keys]\ndestroy_wait_hours = -1\n", "0 to 8760");
  expect_refused(good() + "[keys]\ndestroy_wait_hours = 8761\n", "0 to 8760");
  expect_refused(good() + "[approval]\nexpires_after_s = 2592001\n", "1 to 2592000");
  expect_refused(good() + "[approval]\nrequired = 'key-destroy'\n", "required");
  expect_refused(good() + "[approval]\ncards = 1\n", "2 to 16");
  expect_refused(good() + "[approval]\ncards = 17\n", "2 to 16");
  expect_refused(good() + "[approval]\nby_cards = ['key-destroy']\n", "custody");
  expect_refused(good() + "[log]\nlevel = 'loud'\n", "debug, info");
  expect_refused(good() + "[log]\nformat = 'xml'\n", "auto, text, json or journal");
  expect_refused(good() + "on_failure = 'continue'\n", "alarm-and-continue");
  expect_refused(good() + "durability = 'none'\n", "fsync");
  expect_refused(good() + "head_interval_s = 0\n", "1 to 3600");
  expect_refused(good() + "head_interval_s = 3601\n", "1 to 3600");
  expect_refused(good() + "witness_interval_s = 0\n", "1 to 3600");
  expect_refused(good() + "witness_interval_s = 3601\n", "1 to 3600");
  EXPECT_EQ(read(good())->audit.witness_interval, std::chrono::seconds(60));
  EXPECT_EQ(read(good() + "witness_interval_s = 3600\n")->audit.witness_interval,
            std::chrono::seconds(3600));
  expect_refused(good() + "segment_mib = 0\n", "1 to 1024");
  expect_refused(good() + "segment_mib = 1025\n", "1 to 1024");
  expect_refused(good() + "reserve_mib = -1\n", "0 to 1048576");
  expect_refused(good() + "reserve_mib = 1048577\n", "0 to 1048576");
  EXPECT_TRUE(read(good() + "reserve_mib = 0\n"));
  EXPECT_TRUE(read(good() + "reserve_mib = 1048576\n"));
  expect_refused(good() + "head_records = 10000001\n", "0 to 10000000");
}

TEST_F(ConfigTest, RequestsAreRefusedWithTheAuditLogUnlessSaidOtherwise) {
  auto config = read(good());
  ASSERT_TRUE(config.has_value()) << config.error().message;
  EXPECT_EQ(config->audit.on_failure, OnAuditFailure::refuse);
  config = read(good() + "on_failure = 'alarm-and-continue'\nhead_records = 0\n");
  ASSERT_TRUE(config.has_value()) << config.error().message;
  EXPECT_EQ(config->audit.on_failure, OnAuditFailure::alarm_and_continue);
  EXPECT_EQ(config->audit.head_records, 0u);
}

TEST_F(ConfigTest, ApprovalWithoutAListNamesWhatIsDoneForGood) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(read(good())->approval.required, Names{});
  EXPECT_EQ(read(good() + "[approval]\n")->approval.required,
            (Names{"admin-change", "key-destroy", "key-import", "policy-apply"}));
  expect_refused(good() + "[approval]\nrequired = []\n", "required");
  EXPECT_EQ(read(good() + "[approval]\nrequired = ['admin-change']\n")->approval.required,
            Names{"admin-change"});
}

TEST_F(ConfigTest, LimitsOfConnectionsHaveEdges) {
  struct Edge {
    const char* table;
    const char* field;
    std::int64_t least, most;
  };
  for (const Edge& edge : {Edge{"admin", "max_connections", 1, 10'000},
                           {"admin", "max_connections_per_certificate", 1, 10'000},
                           {"admin", "requests_per_second", 1, 100'000},
                           {"admin", "request_burst", 1, 100'000},
                           {"admin", "connections_per_second", 1, 100'000},
                           {"admin", "connection_burst", 1, 100'000},
                           {"admin", "request_timeout_ms", 100, 600'000},
                           {"admin", "idle_timeout_ms", 100, 3'600'000},
                           {"server", "max_connections_per_device", 0, 100'000},
                           {"limits", "frame_timeout_ms", 100, 600'000},
                           {"limits", "connection_memory_mib", 128, 1 << 20}}) {
    auto with = [&](std::int64_t value) {
      return good() + "[" + edge.table + "]\n" + edge.field + " = " + std::to_string(value) + "\n";
    };
    EXPECT_TRUE(read(with(edge.least)).has_value()) << edge.field;
    EXPECT_TRUE(read(with(edge.most)).has_value()) << edge.field;
    expect_refused(with(edge.least - 1), edge.field);
    expect_refused(with(edge.most + 1), edge.field);
  }
}

TEST_F(ConfigTest, AModuleMayHangForABoundedTime) {
  auto with = [&](std::int64_t value) {
    std::string text = good();
    const std::string hsm = "[hsm]\n";
    return text.replace(text.find(hsm), hsm.size(),
                        hsm + "hang_exit_ms = " + std::to_string(value) + "\n");
  };
  EXPECT_EQ(read(good())->hsm.hang_exit, std::chrono::seconds(60));
  for (std::int64_t good_value : {1'000, 3'600'000})
    EXPECT_EQ(read(with(good_value))->hsm.hang_exit, std::chrono::milliseconds(good_value));
  for (std::int64_t bad_value : {999, 3'600'001}) expect_refused(with(bad_value), "hang_exit_ms");
}

TEST_F(ConfigTest, TheStoreIsAFileOrAPostgresql) {
  const auto with = [](const std::string& store) {
    std::string text = good();
    const std::string path = "path = 'keys.db'\n";
    return text.replace(text.find(path), path.size(), store);
  };
  const std::string url = "url = 'postgresql://ks@db1,db2/nae'\n";
  EXPECT_EQ(read(good())->store.url, "");
  const auto read_url = read(with(url));
  ASSERT_TRUE(read_url) << read_url.error().message;
  EXPECT_EQ(read_url->store.url, "postgresql://ks@db1,db2/nae");
  EXPECT_TRUE(read_url->store.path.empty());
  EXPECT_EQ(read_url->store.lease, std::chrono::seconds(30));
  EXPECT_FALSE(read_url->store.allow_asynchronous);
  EXPECT_TRUE(read(with(url + "allow_asynchronous = true\n"))->store.allow_asynchronous);
  EXPECT_FALSE(read_url->store.follow);
  EXPECT_TRUE(read(with(url + "follow = true\n"))->store.follow);
  expect_refused(with("path = 'keys.db'\nfollow = true\n"), "store.follow");
  EXPECT_FALSE(read_url->store.shared_token);
  EXPECT_TRUE(read(with(url + "shared_token = true\n"))->store.shared_token);
  EXPECT_EQ(read(with(url + "node = 'ks-1.example'\n"))->store.node, "ks-1.example");
  expect_refused(with(""), "store.path: is required");
  expect_refused(with(url + "path = 'keys.db'\n"), "exclude each other");
  expect_refused(with("url = 'mysql://db1/nae'\n"), "postgresql://");
  expect_refused(with(url + "node = 'ks 1'\n"), "store.node");
  expect_refused(with(url + "node = '" + std::string(129, 'x') + "'\n"), "store.node");
  EXPECT_TRUE(read(with(url + "node = '" + std::string(128, 'x') + "'\n")));
  for (int good_value : {5, 3600})
    EXPECT_TRUE(read(with(url + "lease_s = " + std::to_string(good_value) + "\n")));
  for (int bad_value : {4, 3601})
    expect_refused(with(url + "lease_s = " + std::to_string(bad_value) + "\n"), "lease_s");
}

TEST_F(ConfigTest, SaysWhereAgentsReachIt) {
  const auto with = [&](const std::string& server, const char* store) {
    std::string text = good();
    const std::string path = "path = 'keys.db'\n";
    EXPECT_NE(text.find(path), std::string::npos);
    return text.replace(text.find(path), path.size(), store) + "[server]\n" + server;
  };
  constexpr const char* kOfGroup = "url = 'postgresql:///nae'\n";
  constexpr const char* kOfOne = "path = 'keys.db'\n";
  EXPECT_EQ(advertised(*read(with("listen = '10.0.0.5:7443'\n", kOfGroup))), "10.0.0.5:7443");
  EXPECT_EQ(advertised(*read(with("listen = '[::1]:1'\n", kOfGroup))), "[::1]:1");
  for (const char* said : {"ks1.example:7443", "10.0.0.5:1", "[2001:db8::5]:65535"}) {
    const std::string line = "advertise = '" + std::string(said) + "'\n";
    EXPECT_EQ(advertised(*read(with("listen = '0.0.0.0:7443'\n" + line, kOfGroup))), said);
  }
  for (const char* bad : {"", "ks1", "ks1:", "ks1:0", "ks1:65536", ":7443", "0.0.0.0:7443", "0:1",
                          "[::]:7443", "::1:7443", "ks 1:7443", "[ks1]:7443", "ks1/x:7443"})
    expect_refused(with("advertise = '" + std::string(bad) + "'\n", kOfGroup), "server.advertise");
  EXPECT_TRUE(read(with("advertise = '" + std::string(253, 'h') + ":1'\n", kOfGroup)));
  expect_refused(with("advertise = '" + std::string(254, 'h') + ":1'\n", kOfGroup), "advertise");
  for (const char* every : {"0.0.0.0:7443", "[::]:7443"}) {
    const std::string listen = "listen = '" + std::string(every) + "'\n";
    expect_refused(with(listen, kOfGroup), "server.advertise: is required");
    EXPECT_TRUE(read(with(listen, kOfOne))) << "nobody is told of it";
  }
}

TEST_F(ConfigTest, NamesBalancersAsAList) {
  using Networks = std::vector<std::string>;
  EXPECT_EQ(read(good())->server.proxy_protocol_from, Networks{});
  EXPECT_EQ(read(good() + "[server]\nproxy_protocol_from = ['10.0.0.7', '10.1.0.0/24']\n")
                ->server.proxy_protocol_from,
            (Networks{"10.0.0.7", "10.1.0.0/24"}));
  expect_refused(good() + "[server]\nproxy_protocol_from = '10.0.0.7'\n", "proxy_protocol_from");
  expect_refused(good() + "[server]\nproxy_protocol_from = [7]\n", "proxy_protocol_from");
}

TEST_F(ConfigTest, HostsRenewThemselvesUnlessItSaysNo) {
  EXPECT_TRUE(read(good())->server.device_renewal);
  EXPECT_FALSE(read(good() + "[server]\ndevice_renewal = false\n")->server.device_renewal);
  expect_refused(good() + "[server]\ndevice_renewal = 'no'\n", "device_renewal");
}

TEST_F(ConfigTest, ReadsPathsFromItsOwnDirectory) {
  auto config = read(good() +
                     "[server]\nlisten = '[::1]:0'\n[limits]\nmax_frame_bytes = 67108864\n"
                     "[keys]\ndestroy_wait_hours = 0\n");
  ASSERT_TRUE(config.has_value()) << config.error().message;
  EXPECT_EQ(config->server.host, "::1");
  EXPECT_EQ(config->server.port, 0);
  EXPECT_EQ(config->tls.certificate, directory_ / "server.pem");
  EXPECT_EQ(config->audit.durability, Durability::write);
  EXPECT_EQ(config->limits.wire.max_frame_bytes, 64u << 20);
  EXPECT_EQ(config->keys.destroy_wait.count(), 0);
  EXPECT_EQ(Config{}.keys.destroy_wait.count(), 168);
}

TEST(GroupDirectory, IsTheStoresOrThatAboveTheAuditLog) {
  Config config;
  config.audit.directory = "/var/log/nae/audit";
  config.store.path = "/var/lib/nae/keys.db";
  EXPECT_EQ(group_directory(config), "/var/lib/nae");
  config.store.path.clear();
  EXPECT_EQ(group_directory(config), "/var/log/nae");
  config.audit.directory = "/var/log/nae/audit/";
  EXPECT_EQ(group_directory(config), "/var/log/nae");
}

}  // namespace
}  // namespace nae::config

// Where a store may be, and what must be true of the way there.
#include "keyserver/store/postgresql/target.hpp"

#include <gmock/gmock.h>

#include <algorithm>

namespace nae::store::postgresql {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string value(const Target& target, const std::string& name) {
  const auto found = std::ranges::find(target.parameters, name, &Parameters::value_type::first);
  return found == target.parameters.end() ? "" : found->second;
}

std::string refusal(const std::string& text) {
  const auto target = read_target(text);
  if (target) return "";
  EXPECT_EQ(target.error().code, Code::config_invalid) << text;
  EXPECT_FALSE(target.error().hint.empty()) << text;
  return target.error().message;
}

TEST(Target, HostsElsewhereAreVerified) {
  const Target target = read_target("postgresql://ks@db1,db2:5433/nae").value();
  EXPECT_EQ(value(target, "sslmode"), "verify-full");
  EXPECT_EQ(value(target, "target_session_attrs"), "read-write");
  EXPECT_EQ(target.hosts, (std::vector<std::string>{"db1", "db2"}));
  EXPECT_EQ(target.text(), "postgresql://db1,db2/nae");
  EXPECT_TRUE(read_target("postgresql://ks@db1/nae?sslmode=verify-full"));
  for (const char* mode : {"disable", "allow", "prefer", "require", "verify-ca"})
    EXPECT_THAT(refusal("postgresql://ks@db1/nae?sslmode=" + std::string(mode)),
                HasSubstr("leaves this machine"))
        << mode;
}

TEST(Target, OneHostElsewhereIsEnough) {
  for (const char* hosts : {"localhost,db1", "db1,localhost", "127.0.0.1,10.0.0.1",
                            "127.evil.example", "localhost.example"})
    EXPECT_THAT(refusal("postgresql://" + std::string(hosts) + "/nae?sslmode=require"),
                HasSubstr("leaves this machine"))
        << hosts;
  EXPECT_THAT(refusal("postgresql:///nae?host=/run/postgresql,db1&sslmode=disable"),
              HasSubstr("leaves this machine"));
}

TEST(Target, WhatStaysOnThisMachineNeedsNoTls) {
  for (const char* text : {"postgresql://127.0.0.1/nae", "postgresql://[::1]/nae",
                           "postgresql://localhost/nae", "postgresql:///nae?host=/run/postgresql"})
    EXPECT_EQ(value(read_target(text).value(), "sslmode"), "prefer") << text;
}

TEST(Target, WhatTheKeyServerDecidesIsNotTaken) {
  for (const char* parameter :
       {"target_session_attrs=any", "options=-csynchronous_commit%3Doff", "hostaddr=10.0.0.1",
        "service=other", "client_encoding=LATIN1", "application_name=x", "gssencmode=require",
        "replication=database", "gsslib=gssapi", "krbsrvname=x", "ssl_max_protocol_version=TLSv1.2",
        "fallback_application_name=x"})
    EXPECT_THAT(refusal("postgresql://db1/nae?" + std::string(parameter)), HasSubstr("sets "))
        << parameter;
}

TEST(Target, NoPasswordStandsInItOrInAMessage) {
  EXPECT_THAT(refusal("postgresql://ks:geheim@db1/nae"), HasSubstr("password"));
  for (const char* text :
       {"postgresql://ks:geheim@db1/nae", "postgresql://ks:geheim@db1/nae?x=y",
        "postgresql://ks:geheim@[db1/nae", "postgresql://db1/nae?password=geheim",
        "postgresql://db1/nae?sslcert=a&sslpassword=geheim"})
    EXPECT_THAT(refusal(text), Not(HasSubstr("geheim"))) << text;
}

TEST(Target, NoConnectionGetsRoundTls) {
  for (const char* text : {"postgresql://db1/nae", "postgresql://127.0.0.1/nae"})
    EXPECT_EQ(value(read_target(text).value(), "gssencmode"), "disable") << text;
  EXPECT_TRUE(read_target("postgresql://db1/nae?sslrootcert=/a&sslcert=/b&sslkey=/c"));
}

TEST(Target, EachHostIsOneOfItsOwn) {
  const Target two = read_target("postgresql://db1:5433,db2/nae").value();
  for (const auto& [host, name, port] : {std::tuple(0, "db1", "5433"), std::tuple(1, "db2", "")}) {
    Target one = two;
    one.parameters = two.of_host(static_cast<std::size_t>(host));
    EXPECT_EQ(value(one, "host"), name);
    EXPECT_EQ(value(one, "port"), port);
    EXPECT_EQ(value(one, "sslmode"), "verify-full");
  }
  EXPECT_THAT(refusal("postgresql:///nae?host=db1,db2,db3&port=1,2"), HasSubstr("2 ports"));
}

TEST(Target, HostAndDatabaseAreNamed) {
  for (const char* text : {"postgresql://", "postgresql://db1", "postgresql:///nae"})
    EXPECT_THAT(refusal(text), HasSubstr("names no host or no database")) << text;
  EXPECT_FALSE(is_target("sqlite:keys.db"));
  EXPECT_TRUE(is_target("postgresql://db1/nae"));
  EXPECT_TRUE(is_target("postgres://db1/nae"));
}

}  // namespace
}  // namespace nae::store::postgresql

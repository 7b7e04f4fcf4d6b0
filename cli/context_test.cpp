#include "cli/context.hpp"

#include <gmock/gmock.h>

#include "cli/profile.hpp"
#include "cli/test_directory.hpp"

namespace nae::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ContextTest : public DirectoryTest {
 protected:
  ContextTest() : contexts_(directory_ / "nae") {
    ::setenv("HOME", directory_.c_str(), 1);
    ::setenv("XDG_CONFIG_HOME", directory_.c_str(), 1);
    for (const char* name : {"NAE_CONFIG", "NAE_CONTEXT"}) ::unsetenv(name);
    for (const char* name : {"a.pem", "a.key", "authority.pem"}) write(name, "x");
  }
  ~ContextTest() override {
    for (const char* name : {"NAE_CONFIG", "NAE_CONTEXT", "XDG_CONFIG_HOME"}) ::unsetenv(name);
  }
  Profile profile(const std::string& server) {
    return {server, directory_ / "a.pem", directory_ / "a.key", directory_ / "authority.pem"};
  }
  std::string server_of(const ProfileOptions& options) {
    auto found = resolve_profile(options);
    return found ? found->server : found.error().message;
  }

  Contexts contexts_;
};

TEST_F(ContextTest, NoneIsThereAtFirst) {
  EXPECT_THAT(contexts_.names(), IsEmpty());
  EXPECT_EQ(contexts_.in_use().value(), "");
  EXPECT_EQ(contexts_.use("prod").error().code, Code::invalid_argument);
  EXPECT_EQ(contexts_.remove("prod").error().code, Code::invalid_argument);
}

TEST_F(ContextTest, KeepsAProfileByAbsolutePathsForItsOwnerAlone) {
  const auto here = std::filesystem::current_path();
  std::filesystem::current_path(directory_);
  ASSERT_TRUE(contexts_.add("prod", {"https://prod:1", "a.pem", "a.key", "authority.pem"}));
  std::filesystem::current_path(here);
  auto kept = read_profile(contexts_.profile_of("prod").value());
  ASSERT_TRUE(kept) << kept.error().message;
  EXPECT_EQ(kept->server, "https://prod:1");
  EXPECT_EQ(kept->certificate, std::filesystem::canonical(directory_) / "a.pem");
  EXPECT_EQ(std::filesystem::status(contexts_.profile_of("prod").value()).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(ContextTest, OverwritesNothingAndTakesNamesOnly) {
  ASSERT_TRUE(contexts_.add("prod", profile("https://prod:1")));
  EXPECT_THAT(contexts_.add("prod", profile("https://other:1")).error().message,
              HasSubstr("already"));
  EXPECT_EQ(read_profile(*contexts_.profile_of("prod"))->server, "https://prod:1");
  for (const char* name : {"", "../prod", "a/b", ".hidden", "a b"}) {
    EXPECT_EQ(contexts_.add(name, profile("https://k:1")).error().code, Code::invalid_argument);
    EXPECT_EQ(contexts_.use(name).error().code, Code::invalid_argument);
    EXPECT_EQ(contexts_.profile_of(name).error().code, Code::invalid_argument);
  }
  Profile odd = profile("https://k:1");
  odd.key = directory_ / "it's.key";
  EXPECT_THAT(contexts_.add("odd", odd).error().message, HasSubstr("it's.key"));
  odd = profile("https://k:1'\nkey = '/stolen");
  EXPECT_FALSE(contexts_.add("odd", odd));
  EXPECT_THAT(contexts_.names(), ElementsAre("prod"));
}

TEST_F(ContextTest, NamesTheNearest) {
  ASSERT_TRUE(contexts_.add("staging", profile("https://s:1")));
  EXPECT_EQ(contexts_.use("stagin").error().message,
            "no context \"stagin\"; did you mean \"staging\"?");
}

TEST_F(ContextTest, RemovingTheOneInUseLeavesNoneInUse) {
  ASSERT_TRUE(contexts_.add("prod", profile("https://prod:1")));
  ASSERT_TRUE(contexts_.add("test", profile("https://test:1")));
  ASSERT_TRUE(contexts_.use("prod"));
  ASSERT_TRUE(contexts_.use("test"));
  EXPECT_EQ(contexts_.in_use().value(), "test");
  ASSERT_TRUE(contexts_.remove("prod"));
  EXPECT_EQ(contexts_.in_use().value(), "test");
  ASSERT_TRUE(contexts_.remove("test"));
  EXPECT_EQ(contexts_.in_use().value(), "");
  EXPECT_THAT(contexts_.names(), IsEmpty());
  EXPECT_TRUE(exists("a.key"));
}

TEST_F(ContextTest, AWrongFileOfTheOneInUseIsNamed) {
  ASSERT_TRUE(contexts_.add("prod", profile("https://prod:1")));
  for (const char* text : {"", "\n", "../prod\n", "prod\ntest\n"}) {
    write("nae/context", text);
    EXPECT_EQ(contexts_.in_use().error().code, Code::config_invalid) << text;
    EXPECT_THAT(server_of({}), HasSubstr("nae/context")) << text;
  }
  write("nae/context", std::string(10'000, 'a'));
  EXPECT_FALSE(contexts_.in_use());
  write("nae/context", "gone\n");
  EXPECT_THAT(server_of({}), HasSubstr("no context \"gone\""));
}

// In this order: --config or --context, NAE_CONFIG, NAE_CONTEXT, the one in use, cli.toml.
TEST_F(ContextTest, IsFoundInItsOrder) {
  auto file = [&](const std::string& name, const std::string& server) {
    return write(name, "server = '" + server +
                           "'\ncertificate = 'a.pem'\nkey = 'a.key'\nauthority = 'authority.pem'\n")
        .string();
  };
  std::filesystem::create_directories(directory_ / "nae");
  for (const char* name : {"a.pem", "a.key", "authority.pem"})
    write(std::string("nae/") + name, "x");
  file("nae/cli.toml", "https://usual:1");
  EXPECT_EQ(server_of({}), "https://usual:1");
  for (const char* name : {"used", "named", "given"})
    ASSERT_TRUE(contexts_.add(name, profile("https://" + std::string(name) + ":1")));
  ASSERT_TRUE(contexts_.use("used"));
  EXPECT_EQ(server_of({}), "https://used:1");
  ::setenv("NAE_CONTEXT", "named", 1);
  EXPECT_EQ(server_of({}), "https://named:1");
  ::setenv("NAE_CONFIG", file("n.toml", "https://variable:1").c_str(), 1);
  EXPECT_EQ(server_of({}), "https://variable:1");
  EXPECT_EQ(server_of({contexts_.profile_of("given")->string(), {}}), "https://given:1");
  EXPECT_EQ(profile_source(*contexts_.profile_of("given"))->named_by, "context given");
  EXPECT_EQ(server_of({file("o.toml", "https://option:1"), {}}), "https://option:1");
  ProfileOptions one;
  one.values.server = "https://instead:1";
  EXPECT_EQ(server_of(one), "https://instead:1");
  ::setenv("NAE_CONFIG", "", 1);
  ::setenv("NAE_CONTEXT", "", 1);
  EXPECT_EQ(server_of({}), "https://used:1") << "empty is not given";
  EXPECT_EQ(profile_source("")->named_by, "context used, in use");
}

}  // namespace
}  // namespace nae::cli

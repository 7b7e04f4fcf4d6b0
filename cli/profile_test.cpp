#include "cli/profile.hpp"

#include <gmock/gmock.h>

#include "cli/test_directory.hpp"

namespace nae::cli {
namespace {

using ::testing::HasSubstr;

class ProfileTest : public DirectoryTest {
 protected:
  ProfileTest() {
    ::setenv("HOME", directory_.c_str(), 1);
    ::unsetenv("XDG_CONFIG_HOME");
    ::unsetenv("NAE_CONFIG");
    for (const char* name : {"a.pem", "a.key", "authority.pem"}) write(name, "x");
  }
  static std::string text(const std::string& server) {
    return "server = \"" + server +
           "\"\ncertificate = \"a.pem\"\nkey = \"a.key\"\nauthority = \"authority.pem\"\n";
  }
  Result<Profile> resolve(const std::string& server) {
    return resolve_profile({write("p.toml", text(server)).string(), {}});
  }
};

TEST_F(ProfileTest, StartsRelativePathsAtTheFile) {
  auto profile = resolve("https://k:1");
  ASSERT_TRUE(profile) << profile.error().message;
  EXPECT_EQ(profile->server, "https://k:1");
  EXPECT_EQ(profile->certificate, directory_ / "a.pem");
  EXPECT_EQ(profile->key, directory_ / "a.key");
  EXPECT_EQ(profile->authority, directory_ / "authority.pem");
}

// A path would stand before ours; a user and a password would be sent.
TEST_F(ProfileTest, TakesNothingButAServer) {
  for (const char* server :
       {"", "k:1", "http://k:1", "https://", "https://k:1/v1", "https://u@k:1", "https://k:1?a",
        "https://k:1#a", "https://k\\\\@e:1", "https://k 1", "https://<k>", "HTTPS://k:1"}) {
    auto profile = resolve(server);
    ASSERT_FALSE(profile) << server;
    EXPECT_EQ(profile.error().code, Code::config_invalid);
  }
  EXPECT_TRUE(resolve("https://k:1/"));
  EXPECT_TRUE(resolve("https://[::1]:1"));
}

TEST_F(ProfileTest, RefusesFieldsThatItDoesNotKnow) {
  auto profile = read_profile(write("p.toml", "server = 'https://k'\nsevrer = 'x'\n"));
  ASSERT_FALSE(profile);
  EXPECT_THAT(profile.error().message, HasSubstr("p.toml:2: sevrer"));
  EXPECT_FALSE(read_profile(directory_ / "none.toml"));
  EXPECT_FALSE(read_profile(write("p.toml", "key = ''\n")));
}

TEST_F(ProfileTest, NamesWhatIsMissing) {
  for (const char* field : {"server", "certificate", "key", "authority"}) {
    std::string without;
    std::istringstream lines(text("https://k:1"));
    for (std::string line; std::getline(lines, line);)
      if (!line.starts_with(std::string(field) + " ")) without += line + "\n";
    auto profile = resolve_profile({write("p.toml", without).string(), {}});
    ASSERT_FALSE(profile) << field;
    EXPECT_EQ(profile.error().message, "no " + std::string(field) + " is configured");
    EXPECT_THAT(profile.error().hint, HasSubstr("--" + std::string(field)));
  }
}

TEST_F(ProfileTest, TakesOptionsOverTheFile) {
  ProfileOptions options{write("p.toml", text("https://file:1")).string(), {}};
  options.values.server = "https://option:1";
  options.values.key = write("other.key", "x");
  auto profile = resolve_profile(options);
  ASSERT_TRUE(profile) << profile.error().message;
  EXPECT_EQ(profile->server, "https://option:1");
  EXPECT_EQ(profile->key, directory_ / "other.key");
  EXPECT_EQ(profile->certificate, directory_ / "a.pem");
}

TEST_F(ProfileTest, RefusesAPrivateKeyThatOthersRead) {
  const std::string file = write("p.toml", text("https://k:1")).string();
  for (mode_t mode : {0604, 0660, 0602}) {
    write("a.key", "x", mode);
    EXPECT_FALSE(resolve_profile({file, {}})) << std::oct << mode;
  }
  write("a.key", "x", 0400);
  EXPECT_TRUE(resolve_profile({file, {}}));
}

TEST_F(ProfileTest, RefusesWhatIsNoFile) {
  const std::string file = write("p.toml", text("https://k:1")).string();
  std::filesystem::remove(directory_ / "authority.pem");
  EXPECT_THAT(resolve_profile({file, {}}).error().message, HasSubstr("authority.pem"));
  std::filesystem::create_directory(directory_ / "authority.pem");
  EXPECT_THAT(resolve_profile({file, {}}).error().message, HasSubstr("authority.pem"));
}

// In this order: the option, NAE_CONFIG, the person's own.
TEST_F(ProfileTest, FindsItsFile) {
  std::filesystem::create_directories(directory_ / ".config/nae");
  EXPECT_THAT(resolve_profile({}).error().message, HasSubstr("no server"));
  write(".config/nae/cli.toml", "server = 'https://home/x'\n");
  EXPECT_THAT(resolve_profile({}).error().message, HasSubstr("no certificate"));
  ::setenv("NAE_CONFIG", write("n.toml", "bad").c_str(), 1);
  EXPECT_THAT(resolve_profile({}).error().message, HasSubstr("n.toml"));
  auto given = resolve_profile({write("o.toml", "worse").string(), {}});
  EXPECT_THAT(given.error().message, HasSubstr("o.toml"));
  EXPECT_THAT(given.error().hint, HasSubstr("profile"));
}

}  // namespace
}  // namespace nae::cli

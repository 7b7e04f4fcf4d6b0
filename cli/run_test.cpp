// The program as a script sees it: exit codes, what goes where. Answers of a real server are tested
// in tests/end_to_end/.
#include "cli/run.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "cli/exit_code.hpp"
#include "libnae/crypto/certificate.hpp"

namespace nae::cli {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class RunTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "nae-cli-XXXXXX").string();
    ASSERT_TRUE(::mkdtemp(name.data()));
    directory_ = name;
    ::setenv("HOME", name.c_str(), 1);
    ::unsetenv("XDG_CONFIG_HOME");
    ::unsetenv("NAE_CONFIG");
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  int run(std::vector<std::string> arguments) {
    out_.str("");
    err_.str("");
    return cli::run(std::move(arguments), out_, err_);
  }
  std::filesystem::path write(const std::string& name, std::string_view text, mode_t mode = 0600) {
    std::ofstream(directory_ / name) << text;
    ::chmod((directory_ / name).c_str(), mode);
    return directory_ / name;
  }
  // A profile of a self-signed client and a server that is not there (port 1 is never listened on).
  std::string write_profile() {
    crypto::KeyPair pair = crypto::generate_p256().value();
    crypto::CertificateTemplate wanted;
    wanted.common_name = "admin";
    wanted.not_after_s = 4'000'000'000;
    wanted.usage = crypto::CertificateUsage::authority;
    wanted.spki = pair.spki;
    std::string certificate =
        crypto::issue(wanted, std::nullopt, crypto::software_signer(pair.private_key_pem).value())
            .value();
    write("admin.pem", certificate);
    write("authority.pem", certificate);
    write("admin.key", as_text(pair.private_key_pem));
    return write("cli.toml",
                 "server = 'https://127.0.0.1:1'\ncertificate = 'admin.pem'\nkey = 'admin.key'\n"
                 "authority = 'authority.pem'\n")
        .string();
  }

  std::filesystem::path directory_;
  std::ostringstream out_, err_;
};

TEST_F(RunTest, HelpIsNoFailure) {
  EXPECT_EQ(run({"--help"}), kOk);
  EXPECT_THAT(out_.str(), HasSubstr("Exit codes:"));
  for (const char* command : {"key", "policy", "device", "audit", "status"}) {
    EXPECT_EQ(run({command, "--help"}), kOk);
    EXPECT_THAT(out_.str(), HasSubstr("Example")) << command;
  }
}

TEST_F(RunTest, WrongArgumentsAreUsage) {
  const std::vector<std::vector<std::string>> wrong = {
      {},
      {"frobnicate"},
      {"key"},
      {"key", "create"},
      {"key", "create", "a"},
      {"key", "create", "a", "--type", "rot13"},
      {"key", "states", "a", "--set", "retired"},
      {"key", "states", "a", "--version", "1"},
      {"key", "states", "a", "--version", "0", "--set", "retired"},
      {"key", "list", "surplus"},
      {"policy", "test", "--role", "a"},
      {"device", "enroll", "a"},
      {"device", "enroll", "a", "--out", "x", "--valid-days", "0"},
      {"device", "remove"},
      {"device", "remove", "../keys"},
      {"audit", "verify", "--public-key", "f"},
      {"--insecure", "status"},
  };
  for (const auto& arguments : wrong) {
    EXPECT_EQ(run(arguments), kUsage) << testing::PrintToString(arguments);
    EXPECT_THAT(out_.str(), IsEmpty());
  }
}

TEST_F(RunTest, NoProfileSaysHowToGetOne) {
  EXPECT_EQ(run({"key", "list"}), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("nae-keyserver init"));
  EXPECT_THAT(err_.str(), HasSubstr(" (config_invalid)\n"));
}

TEST_F(RunTest, AProfileIsChecked) {
  std::string profile = write_profile();
  ::chmod((directory_ / "admin.key").c_str(), 0640);
  EXPECT_EQ(run({"--config", profile, "status"}), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("chmod 600"));
  ::chmod((directory_ / "admin.key").c_str(), 0600);
  EXPECT_EQ(run({"--config", profile, "--server", "http://127.0.0.1:1", "status"}), kUsage);
  EXPECT_EQ(run({"--config", profile, "--authority", "/nonexistent", "status"}), kUsage);
  write("cli.toml", "server = 'https://127.0.0.1:1'\nverify = false\n");
  EXPECT_EQ(run({"--config", profile, "status"}), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("verify"));
}

TEST_F(RunTest, AnUnreachableServerIsCodeThree) {
  std::string profile = write_profile();
  EXPECT_EQ(run({"status", "--config", profile}), kUnreachable);
  EXPECT_THAT(err_.str(), HasSubstr("hint:"));
  ::setenv("NAE_CONFIG", profile.c_str(), 1);
  EXPECT_EQ(run({"key", "list", "--json"}), kUnreachable);
  EXPECT_THAT(out_.str(), IsEmpty());
}

TEST_F(RunTest, NamesAreCheckedBeforeTheyBecomeAddresses) {
  std::string profile = write_profile();
  for (const char* name : {"a/b", "../x", "a b", "a?b", "-"})
    EXPECT_EQ(run({"--config", profile, "key", "show", "--", name}), kUsage) << name;
}

TEST_F(RunTest, EnrollOverwritesNothingAndAsksNobodyThen) {
  std::string profile = write_profile();
  write("db1.key", "precious");
  EXPECT_EQ(run({"--config", profile, "device", "enroll", "db1", "--out", directory_.string()}),
            kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("not overwritten"));
}

TEST_F(RunTest, VerifyOfAMissingDirectoryIsNoVerdict) {
  EXPECT_EQ(run({"audit", "verify", "--directory", (directory_ / "none").string()}), kUsage);
}

}  // namespace
}  // namespace nae::cli

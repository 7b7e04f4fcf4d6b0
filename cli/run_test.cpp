// The program as a script sees it: exit codes, what goes where. Answers of a real server are tested
// in tests/end_to_end/.
#include "cli/run.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "cli/exit_code.hpp"
#include "cli/server.hpp"
#include "libnae/base/file.hpp"
#include "libnae/crypto/certificate.hpp"

namespace nae::cli {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class RunTest : public testing::Test {
 protected:
  static constexpr const char* kVariables[] = {"NAE_CONFIG", "NAE_SERVER",    "NAE_CERTIFICATE",
                                               "NAE_KEY",    "NAE_AUTHORITY", "NAE_CONTEXT",
                                               "NAE_JSON"};
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "nae-cli-XXXXXX").string();
    ASSERT_TRUE(::mkdtemp(name.data()));
    directory_ = name;
    ::setenv("HOME", name.c_str(), 1);
    ::unsetenv("XDG_CONFIG_HOME");
    for (const char* variable : kVariables) ::unsetenv(variable);
  }
  void TearDown() override {
    for (const char* variable : kVariables) ::unsetenv(variable);
    std::filesystem::remove_all(directory_);
  }

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
  for (const char* command : {"key", "policy", "device", "audit", "status", "context"}) {
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

TEST_F(RunTest, WhatWasMeantIsNamed) {
  struct {
    std::vector<std::string> arguments;
    const char* message;
    const char* help;
  } const kMistyped[] = {
      {{"kye", "list"}, "no command \"kye\"; did you mean \"key\"?", "'nae --help'"},
      {{"key", "shwo", "a"},
       "no command \"key shwo\"; did you mean \"key show\"?",
       "'nae key --help'"},
      {{"key", "list", "--jsn"},
       "no option \"--jsn\"; did you mean \"--json\"?",
       "'nae key list --help'"},
      {{"key", "create", "a", "--typ=x"},
       "no option \"--typ\"; did you mean \"--type\"?",
       "'nae key create --help'"},
      // The value of an option is no command.
      {{"--server", "kye", "stats"},
       "no command \"stats\"; did you mean \"status\"?",
       "'nae --help'"},
      {{"frobnicate"}, "nae: no command \"frobnicate\" (", "'nae --help'"},
      {{"--insecure", "status"}, "nae: no option \"--insecure\" (", "'nae --help'"},
      {{"key"}, "nae: no command is given (", "'nae key --help'"},
      {{}, "nae: no command is given (", "'nae --help'"},
  };
  for (const auto& [arguments, message, help] : kMistyped) {
    EXPECT_EQ(run(arguments), kUsage);
    EXPECT_THAT(err_.str(), HasSubstr(message));
    EXPECT_THAT(err_.str(), HasSubstr(help));
  }
}

TEST_F(RunTest, WithJsonAFailureIsOneObject) {
  auto failure = [&](std::vector<std::string> arguments, int code) {
    EXPECT_EQ(run(std::move(arguments)), code);
    EXPECT_THAT(out_.str(), IsEmpty());
    boost::system::error_code malformed;
    json::value said = json::parse(err_.str(), malformed);
    EXPECT_FALSE(malformed) << err_.str();
    return said.at("error").as_object();
  };
  json::object usage = failure({"kye", "--json"}, kUsage);
  EXPECT_EQ(usage["code"], "22023");
  EXPECT_EQ(usage["name"], "invalid_argument");
  EXPECT_EQ(usage["message"], "no command \"kye\"; did you mean \"key\"?");
  EXPECT_EQ(usage["hint"], "See 'nae --help'.");
  EXPECT_EQ(failure({"--json", "key", "list"}, kUsage)["code"], "NE048");
  EXPECT_EQ(failure({"--json", "--config", write_profile(), "status"}, kUnreachable)["code"],
            "08001");
  // As the value of nothing: what follows "--" is no option.
  EXPECT_EQ(run({"key", "show", "--", "--json"}), kUsage);
  EXPECT_THAT(err_.str(), testing::StartsWith("nae: "));
}

TEST_F(RunTest, TheEnvironmentAsksForJson) {
  for (const char* no : {"", "0", "no", "false"}) {
    ::setenv("NAE_JSON", no, 1);
    EXPECT_EQ(run({"context", "list"}), kOk);
    EXPECT_THAT(out_.str(), testing::StartsWith("No context")) << no;
  }
  ::setenv("NAE_JSON", "1", 1);
  EXPECT_EQ(run({"context", "list"}), kOk);
  EXPECT_EQ(out_.str(), "{\"contexts\":[]}\n");
  EXPECT_EQ(run({"kye"}), kUsage);
  EXPECT_EQ(json::parse(err_.str()).at("error").at("code").as_string(), "22023");
}

TEST_F(RunTest, AContextIsAddedUsedAndForgotten) {
  const std::string profile = write_profile();
  EXPECT_EQ(run({"--config", profile, "context", "add", "prod"}), kOk);
  EXPECT_EQ(run({"--config", profile, "context", "add", "prod"}), kUsage);
  EXPECT_EQ(run({"status"}), kUsage) << "none is in use yet";
  EXPECT_EQ(run({"--context", "prod", "status"}), kUnreachable);
  EXPECT_EQ(run({"context", "use", "prdo"}), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("did you mean \"prod\"?"));
  EXPECT_EQ(run({"context", "use", "prod"}), kOk);
  EXPECT_THAT(err_.str(), IsEmpty());
  EXPECT_EQ(run({"status"}), kUnreachable);
  EXPECT_EQ(run({"context", "show"}), kOk);
  EXPECT_THAT(out_.str(), HasSubstr("contexts/prod.toml, context prod, in use"));
  EXPECT_EQ(run({"context", "list"}), kOk);
  EXPECT_THAT(out_.str(), HasSubstr("*  prod  https://127.0.0.1:1"));
  EXPECT_EQ(run({"--config", profile, "--context", "prod", "status"}), kUsage) << "one of both";
  ::setenv("NAE_CONFIG", profile.c_str(), 1);
  EXPECT_EQ(run({"context", "use", "prod"}), kOk);
  EXPECT_THAT(err_.str(), HasSubstr("NAE_CONFIG is set and wins"));
  ::unsetenv("NAE_CONFIG");
  EXPECT_EQ(run({"context", "remove", "prod"}), kOk);
  EXPECT_EQ(run({"status"}), kUsage);
  EXPECT_TRUE(std::filesystem::exists(directory_ / "admin.key"));
}

TEST_F(RunTest, NoProfileSaysHowToGetOne) {
  EXPECT_EQ(run({"key", "list"}), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("nae-keyserver init"));
  EXPECT_THAT(err_.str(), HasSubstr(" (config_invalid)\n"));
}

TEST_F(RunTest, AProfileIsChecked) {
  std::string profile = write_profile();
  ::chmod((directory_ / "admin.key").c_str(), 0644);
  EXPECT_EQ(run({"--config", profile, "status"}), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("chmod 600"));
  ::chmod((directory_ / "admin.key").c_str(), 0600);
  for (const char* server :
       {"http://127.0.0.1:1", "127.0.0.1:1", "https://", "https://u:p@127.0.0.1:1",
        "https://127.0.0.1:1/v1", "https://127.0.0.1:1?a=b", "https://127.0.0.1:1#a",
        "https://127.0.0.1:1 ", "https://127.0.0.1:1\n"}) {
    EXPECT_EQ(run({"--config", profile, "--server", server, "status"}), kUsage) << server;
    EXPECT_THAT(err_.str(), HasSubstr("https://host:port")) << server;
  }
  EXPECT_EQ(run({"--config", profile, "--server", "https://127.0.0.1:1/", "status"}), kUnreachable);
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

TEST_F(RunTest, TheEnvironmentNamesServerAndFiles) {
  std::string profile = write_profile();
  const std::string directory = directory_.string();
  ::setenv("NAE_SERVER", "https://127.0.0.1:2", 1);
  ::setenv("NAE_CERTIFICATE", (directory + "/admin.pem").c_str(), 1);
  ::setenv("NAE_KEY", (directory + "/admin.key").c_str(), 1);
  ::setenv("NAE_AUTHORITY", (directory + "/authority.pem").c_str(), 1);
  EXPECT_EQ(run({"status"}), kUnreachable) << "no profile is needed";
  EXPECT_THAT(err_.str(), HasSubstr("https://127.0.0.1:2"));
  EXPECT_EQ(run({"--config", profile, "status"}), kUnreachable);
  EXPECT_THAT(err_.str(), HasSubstr("https://127.0.0.1:2")) << "wins over the profile";
  EXPECT_EQ(run({"--server", "https://127.0.0.1:3", "status"}), kUnreachable);
  EXPECT_THAT(err_.str(), HasSubstr("https://127.0.0.1:3")) << "an option wins over it";
  for (const char* name : {"NAE_CERTIFICATE", "NAE_KEY", "NAE_AUTHORITY"}) {
    const std::string good = ::getenv(name);
    ::setenv(name, "/nonexistent", 1);
    EXPECT_EQ(run({"--config", profile, "status"}), kUsage) << name;
    EXPECT_THAT(err_.str(), HasSubstr("/nonexistent")) << name;
    ::setenv(name, "", 1);
    EXPECT_EQ(run({"--config", profile, "status"}), kUnreachable) << "empty is not given: " << name;
    ::setenv(name, good.c_str(), 1);
  }
  // Its --key is the name of a key of the server, and not this one.
  EXPECT_EQ(run({"audit", "query", "--key", "a"}), kUnreachable);
}

// What cannot be taken back is asked about, of who can be asked. Port 1 is asked after the answer.
TEST_F(RunTest, APersonIsAskedFirst) {
  std::string profile = write_profile();
  auto answered = [&](std::vector<std::string> words, const std::string& answer) {
    std::istringstream answers(answer);
    out_.str("");
    err_.str("");
    words.insert(words.begin(), {"--config", profile});
    return cli::run(std::move(words), out_, err_, Terminal{80, &answers});
  };
  const std::vector<std::vector<std::string>> kAsked = {
      {"key", "restrict", "a", "1"},
      {"key", "destroy", "a", "1"},
      {"key", "states", "a", "--version", "1", "--set", "destroyed"},
      {"key", "schedule", "a", "1", "destroyed", "--at", "in 30 days"}};
  for (const auto& words : kAsked) {
    for (const char* no : {"n\n", "", "\n", "no\n", "yess\n", " y\n"}) {
      EXPECT_EQ(answered(words, no), kUsage) << no;
      EXPECT_THAT(err_.str(), HasSubstr("Version 1 of key a "));
      EXPECT_THAT(err_.str(), HasSubstr("nothing was done"));
    }
    for (const char* yes : {"y\n", "Y\n", "yes\n"}) EXPECT_EQ(answered(words, yes), kUnreachable);
    auto forced = words;
    forced.push_back("--yes");
    EXPECT_EQ(answered(forced, ""), kUnreachable);
    EXPECT_THAT(err_.str(), testing::Not(HasSubstr("Go on?")));
    auto scripted = words;
    scripted.insert(scripted.begin(), {"--config", profile});
    EXPECT_EQ(run(scripted), kUnreachable) << "a script is not asked";
  }
  EXPECT_EQ(answered({"key", "retire", "a", "1"}, ""), kUnreachable) << "can be taken back";
  EXPECT_EQ(answered({"key", "retire", "a", "1", "--yes"}, ""), kUsage);
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

// A key that is there was perhaps sent to the server already: then it is gone on with.
TEST_F(RunTest, EnrollGoesOnWithTheKeyItLeft) {
  std::string profile = write_profile();
  const std::filesystem::path out = directory_ / "db1";
  auto enroll = [&] {
    return run({"--config", profile, "device", "enroll", "db1", "--out", out.string()});
  };
  EXPECT_EQ(enroll(), kUnreachable);
  EXPECT_THAT(err_.str(), HasSubstr("repeat the command"));
  const std::string key = read_file(out / "db1.key", 10'000).value();
  const std::string request = read_file(out / "db1.csr", 10'000).value();
  EXPECT_EQ(crypto::read_request(request)->common_name, "db1");
  EXPECT_EQ(enroll(), kUnreachable);
  EXPECT_EQ(read_file(out / "db1.key", 10'000).value(), key);
  EXPECT_EQ(read_file(out / "db1.csr", 10'000).value(), request);
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(out)) files += !entry.path().empty();
  EXPECT_EQ(files, 2u) << "nothing that was reserved is left";

  std::filesystem::remove(out / "db1.csr");
  EXPECT_EQ(enroll(), kUnreachable);
  EXPECT_EQ(read_file(out / "db1.key", 10'000).value(), key);
  ::chmod((out / "db1.key").c_str(), 0640);
  EXPECT_EQ(enroll(), kUsage) << "others may know it";
  std::filesystem::rename(out / "db1.key", out / "own.key");
  std::filesystem::create_symlink("own.key", out / "db1.key");
  EXPECT_EQ(enroll(), kUsage) << "a link";
}

TEST_F(RunTest, EnrollAsksNobodyWhenItsAnswerCouldNotBeKept) {
  std::string profile = write_profile();
  auto enroll = [&](const char* out) {
    return run(
        {"--config", profile, "device", "enroll", "db1", "--out", (directory_ / out).string()});
  };
  write("file", "");
  EXPECT_EQ(enroll("file"), kUsage);
  EXPECT_EQ(enroll("file/below"), kUsage);
  std::filesystem::create_directories(directory_ / "taken");
  write("taken/db1.pem", "");
  EXPECT_EQ(enroll("taken"), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("not overwritten"));
  std::filesystem::create_directories(directory_ / "other");
  write("other/authority.pem", "another one");
  EXPECT_EQ(enroll("other"), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("another authority"));
  std::filesystem::copy(directory_ / "authority.pem", directory_ / "other",
                        std::filesystem::copy_options::overwrite_existing);
  EXPECT_EQ(enroll("other"), kUnreachable) << "the same authority is no hindrance";
  for (const char* out : {"taken"})
    EXPECT_FALSE(std::filesystem::exists(directory_ / out / "db1.key")) << out;
}

TEST_F(RunTest, OutputThatIsNotWrittenIsNoSuccess) {
  struct Full : std::streambuf {
    int sync() override {
      errno = reason;
      return -1;
    }
    int_type overflow(int_type) override { return traits_type::eof(); }
    int reason = ENOSPC;
  } full;
  std::ostream out(&full);
  err_.str("");
  EXPECT_EQ(cli::run({"--help"}, out, err_), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("No space left"));
  full.reason = EPIPE;
  err_.str("");
  EXPECT_EQ(cli::run({"--version"}, out, err_), kUsage);
  EXPECT_THAT(err_.str(), IsEmpty()) << "head(1) has read what it wanted";
}

TEST_F(RunTest, VerifyOfAMissingDirectoryIsNoVerdict) {
  EXPECT_EQ(run({"audit", "verify", "--directory", (directory_ / "none").string()}), kUsage);
}

}  // namespace
}  // namespace nae::cli

// Attestation of real processes over real sockets.
#include "agent/attestation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "libnae/base/test_eventually.hpp"
#include "libnae/base/text.hpp"
#include "net/test_certificates.hpp"

namespace nae::agent {
namespace {

using net::testing::must;
using net::testing::TemporaryDirectory;
using ::testing::HasSubstr;

// Connects to `path`, runs `program` with the socket still open and waits.
int connect_and_run(const std::string& path, const std::string& program) {
  int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, path.size());
  if (::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return 1;
  ::execl(program.c_str(), "sleep", "60", nullptr);
  return 2;
}

class Child {
 public:
  Child(const std::string& path, const std::string& program) {
    pid_ = ::fork();
    if (pid_ == 0) ::_exit(connect_and_run(path, program));
  }
  ~Child() { end(); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  void end() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  // Between fork and exec the child is still this test.
  void wait_until_it_runs(const std::string& program) const { wait_until_it_runs(pid_, program); }
  static void wait_until_it_runs(pid_t pid, const std::string& program) {
    std::error_code ignored;
    std::filesystem::path link = "/proc/" + std::to_string(pid) + "/exe";
    ASSERT_TRUE(
        eventually([&] { return std::filesystem::read_symlink(link, ignored) == program; }));
  }

 private:
  pid_t pid_;
};

class AttestationTest : public ::testing::Test {
 protected:
  AttestationTest() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, path_.size());
    listening_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::bind(listening_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listening_, 8), 0);
    std::filesystem::copy_file(std::filesystem::canonical("/bin/sleep"), program_);
  }
  ~AttestationTest() override {
    ::close(listening_);
    if (accepted_ >= 0) ::close(accepted_);
  }

  std::unique_ptr<Child> child() {
    auto started = std::make_unique<Child>(path_, program_);
    accepted_ = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
    started->wait_until_it_runs(program_);
    return started;
  }
  Program entry() const {
    Program program;
    program.name = "sleeper";
    program.uid = ::getuid();
    program.executable = program_;
    return program;
  }
  Error refusal(const Program& program, const PeerProcess& peer) {
    auto attested = attest({program}, peer);
    return attested ? Error(Code::internal, "was attested") : attested.error();
  }

  TemporaryDirectory directory_;
  std::string path_ = directory_ / "s";
  std::string program_ = directory_ / "sleeper";
  int listening_ = -1;
  int accepted_ = -1;
  ProcessInspector inspector_;
};

TEST_F(AttestationTest, KnowsTheProgramByUidPathAndDigest) {
  auto running = child();
  PeerProcess peer = must(inspector_.inspect(accepted_));
  ASSERT_TRUE(peer.executable);
  EXPECT_EQ(peer.executable->path, program_);
  Program program = entry();
  program.sha256 = {Bytes(32),
                    Bytes(peer.executable->sha256.begin(), peer.executable->sha256.end())};
  auto attested = must(attest({program}, peer));
  EXPECT_EQ(attested.name, "sleeper");
  EXPECT_EQ(attested.uid, ::getuid());
  EXPECT_EQ(attested.executable, program_);
  EXPECT_EQ(attested.executable_sha256.size(), 32u);
}

TEST_F(AttestationTest, RefusesWhatDiffersInOneProperty) {
  auto running = child();
  PeerProcess peer = must(inspector_.inspect(accepted_));
  Program other = entry();
  other.uid += 1;
  EXPECT_EQ(refusal(other, peer).code, Code::program_unknown);
  EXPECT_THAT(refusal(other, peer).message, HasSubstr(program_ + " of uid"));
  other = entry();
  other.executable = "/usr/bin/sleep";
  EXPECT_EQ(refusal(other, peer).code, Code::program_unknown);
  other = entry();
  other.sha256 = {Bytes(32)};
  EXPECT_EQ(refusal(other, peer).code, Code::program_unknown);
  other = entry();
  other.systemd_unit = "postgresql@15-main.service";
  EXPECT_EQ(refusal(other, peer).code, Code::program_unknown);
  EXPECT_EQ(attest({}, peer).error().code, Code::program_unknown);
}

TEST_F(AttestationTest, RefusesDeletedExecutables) {
  auto running = child();
  std::filesystem::remove(program_);
  auto peer = inspector_.inspect(accepted_);
  ASSERT_FALSE(peer);
  EXPECT_EQ(peer.error().code, Code::program_unknown);
  EXPECT_THAT(peer.error().message, HasSubstr("deleted or replaced"));
}

TEST_F(AttestationTest, RefusesReplacedExecutables) {
  auto running = child();
  std::filesystem::copy_file("/bin/true", directory_ / "new");
  std::filesystem::rename(directory_ / "new", program_);
  EXPECT_EQ(inspector_.inspect(accepted_).error().code, Code::program_unknown);
}

TEST_F(AttestationTest, ChangedFilesAreReadAgain) {
  PeerProcess before, after;
  {
    auto running = child();
    before = must(inspector_.inspect(accepted_));
  }
  ::close(accepted_);
  std::filesystem::remove(program_);
  std::filesystem::copy_file(std::filesystem::canonical("/bin/sleep"), program_);
  std::filesystem::permissions(program_, std::filesystem::perms::owner_all);
  int descriptor = ::open(program_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  ASSERT_EQ(::write(descriptor, "x", 1), 1);  // after the last section: it runs as before
  ::close(descriptor);
  auto running = child();
  after = must(inspector_.inspect(accepted_));
  EXPECT_NE(before.executable->sha256, after.executable->sha256);
}

TEST_F(AttestationTest, RefusesProcessesThatEnded) {
  auto running = child();
  running->end();
  auto peer = inspector_.inspect(accepted_);
  ASSERT_FALSE(peer);
  EXPECT_EQ(peer.error().code, Code::program_unknown);
}

TEST_F(AttestationTest, UnreadableExecutablesNeedAUnitAndNoDigest) {
  PeerProcess peer;
  peer.uid = ::getuid();
  peer.systemd_unit = "postgresql@15-main.service";
  Program program = entry();
  EXPECT_THAT(refusal(program, peer).hint, HasSubstr("CAP_SYS_PTRACE"));
  program.systemd_unit = peer.systemd_unit;
  EXPECT_EQ(must(attest({program}, peer)).systemd_unit, peer.systemd_unit);
  EXPECT_TRUE(must(attest({program}, peer)).executable.empty());
  program.sha256 = {Bytes(32)};
  EXPECT_EQ(refusal(program, peer).code, Code::program_unknown);
}

TEST_F(AttestationTest, AnotherUnitIsNamedWithTheOneThatWasExpected) {
  PeerProcess peer;
  peer.uid = ::getuid();
  Program program = entry();
  program.systemd_unit = "postgresql@15-main.service";
  Error none = refusal(program, peer);
  EXPECT_THAT(none.message, HasSubstr("expected in systemd unit 'postgresql@15-main.service'"));
  EXPECT_THAT(none.message, HasSubstr("is in no systemd unit"));
  peer.systemd_unit = "session-3.scope";
  EXPECT_THAT(refusal(program, peer).message, HasSubstr("is in systemd unit 'session-3.scope'"));
  EXPECT_THAT(refusal(program, peer).hint, HasSubstr("Correct systemd_unit"));
  // Of another user the unit is not what is wrong.
  peer.uid = ::getuid() + 1;
  EXPECT_THAT(refusal(program, peer).hint, HasSubstr("CAP_SYS_PTRACE"));
}

// A mount of another file at the program's path, which only the process sees: a forger's, or that
// of a container. Its digest tells which.
TEST_F(AttestationTest, AFileMountedOverThePathIsKnownByItsDigestAlone) {
  const std::string genuine = directory_ / "genuine";
  std::filesystem::rename(program_, genuine);
  std::filesystem::copy_file("/bin/true", program_);  // what the administrator installed
  const pid_t forger = ::fork();
  if (forger == 0) {
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0 ||
        ::mount(genuine.c_str(), program_.c_str(), nullptr, MS_BIND, nullptr) != 0)
      ::_exit(3);
    ::_exit(connect_and_run(path_, program_));
  }
  accepted_ = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
  Child::wait_until_it_runs(forger, program_);
  auto inspected = inspector_.inspect(accepted_);
  ::kill(forger, SIGKILL);
  ::waitpid(forger, nullptr, 0);
  PeerProcess peer = must(std::move(inspected));
  ASSERT_TRUE(peer.executable);
  EXPECT_EQ(peer.executable->path, program_);
  EXPECT_FALSE(peer.executable->same_file_here);
  Program program = entry();
  EXPECT_EQ(refusal(program, peer).code, Code::program_unknown) << "by path it is " << program_;
  EXPECT_THAT(refusal(program, peer).message, HasSubstr("another file"));
  EXPECT_THAT(refusal(program, peer).hint, HasSubstr("sha256"));
  program.sha256 = {Bytes(32)};
  EXPECT_EQ(refusal(program, peer).code, Code::program_unknown);
  program.sha256.emplace_back(peer.executable->sha256.begin(), peer.executable->sha256.end());
  EXPECT_EQ(must(attest({program}, peer)).name, "sleeper");
  program.executable = "/usr/bin/sleep";
  EXPECT_EQ(refusal(program, peer).code, Code::program_unknown) << "another path";
}

TEST(SystemdUnit, IsTheServiceOfTheSystemsManager) {
  EXPECT_EQ(
      systemd_unit_of("0::/system.slice/system-postgresql.slice/postgresql@15-main.service\n"),
      "postgresql@15-main.service");
  EXPECT_EQ(systemd_unit_of("0::/system.slice/a.service/payload\n"), "a.service");
  EXPECT_EQ(systemd_unit_of("0::/database.slice/a.service\n"), "a.service");
  EXPECT_EQ(systemd_unit_of("12:pids:/x.service\n1:name=systemd:/system.slice/a.service\n0::/\n"),
            "a.service");
  EXPECT_EQ(systemd_unit_of("0::/system.slice/a.service"), "a.service");
  for (const char* none :
       {"", "0::/\n", "0::/user.slice/session-1.scope\n", ".service", "0::/a.serviced\n",
        "0::", "0::/.service\n", "0::/system.slice\n", "12:pids:/system.slice/a.service\n",
        "0::relative/a.service\n", "5:0:::/system.slice/a.service\n"})
    EXPECT_EQ(systemd_unit_of(none), "") << none;
}

// Each of these was taken for the unit whose name stands in it last.
TEST(SystemdUnit, IsNoneThatAUserCouldHaveNamed) {
  EXPECT_EQ(
      systemd_unit_of(
          "0::/user.slice/user-105.slice/user@105.service/app.slice/postgresql@15-main.service\n"),
      "user@105.service");
  EXPECT_EQ(systemd_unit_of("0::/system.slice/delegated.service/postgresql@15-main.service\n"),
            "delegated.service");
  for (const char* none : {"0::/machine.slice/c.scope/system.slice/postgresql@15-main.service\n",
                           "0::/system.slice/docker-1.scope/postgresql@15-main.service\n",
                           "0::/lxc.payload.c/system.slice/postgresql@15-main.service\n",
                           "0::/../system.slice/postgresql@15-main.service\n"})
    EXPECT_EQ(systemd_unit_of(none), "") << none;
}

}  // namespace
}  // namespace nae::agent

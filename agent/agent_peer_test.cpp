// Who is at the other end of a client's connection, when processes hand it on or change into
// others.
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "agent/test_agent.hpp"

namespace nae::agent::testing {
namespace {

Bytes hello_frame() {
  Bytes out;
  wire::append_hello(out, 1, {});
  return out;
}

// A socket that a child of this process connects; both hold it.
class SharedSocket {
 public:
  explicit SharedSocket(const std::string& path) {
    address_.sun_family = AF_UNIX;
    path.copy(address_.sun_path, path.size());
  }
  ~SharedSocket() {
    if (child_ > 0) {
      ::kill(child_, SIGKILL);
      ::waitpid(child_, nullptr, 0);
    }
    ::close(socket_);
    for (int end : go_) ::close(end);
  }
  SharedSocket(const SharedSocket&) = delete;
  SharedSocket& operator=(const SharedSocket&) = delete;

  // The child connects, waits for go() and does `work(socket, silent)`; from `silent` nothing
  // comes.
  template <class Work>
  void start(Work work) {
    EXPECT_EQ(::pipe(go_), 0);
    child_ = ::fork();
    if (child_ != 0) return;
    char byte = 0;
    if (::connect(socket_, reinterpret_cast<sockaddr*>(&address_), sizeof address_) != 0 ||
        ::read(go_[0], &byte, 1) != 1)
      ::_exit(1);
    work(socket_, go_[0]);
    ::pause();
  }
  void go() { EXPECT_EQ(::write(go_[1], "x", 1), 1); }
  // The error that the agent ends the connection with; nothing when it answered otherwise.
  std::optional<Error> refusal() {
    wire::FrameAssembler assembler(1 << 20);
    for (;;) {
      auto frame = must(assembler.next());
      if (frame && frame->header.type == wire::FrameType::epoch) continue;  // told when it changes
      if (frame) {
        const auto error = client::as_error(*frame);
        return error ? std::optional(error->error) : std::nullopt;
      }
      const ByteSpan space = assembler.prepare(4096);
      const ssize_t got = ::recv(socket_, space.data(), space.size(), 0);
      if (got <= 0) return Error(Code::connection_lost, "closed");
      assembler.commit(static_cast<std::size_t>(got));
    }
  }
  int descriptor() const { return socket_; }

 private:
  sockaddr_un address_{};
  int socket_ = ::socket(AF_UNIX, SOCK_STREAM, 0);
  int go_[2] = {-1, -1};
  pid_t child_ = 0;
};

TEST_F(AgentTest, AProcessThatBecomesAnotherProgramIsNotServed) {
  serve(always(Act::answer));
  Program cat;
  cat.name = "cat";
  cat.uid = ::getuid();
  cat.executable = std::filesystem::canonical("/bin/cat");
  config_.programs.push_back(cat);
  start();
  const std::string file = directory_ / "hello";
  {
    const Bytes hello = hello_frame();
    std::ofstream(file, std::ios::binary)
        .write(reinterpret_cast<const char*>(hello.data()),
               static_cast<std::streamsize>(hello.size()));
  }
  SharedSocket shared(config_.socket.string());
  shared.start([&](int socket, int silent) {
    ::dup2(silent, STDIN_FILENO);  // it goes on running
    ::dup2(socket, STDOUT_FILENO);
    ::execl("/bin/cat", "cat", file.c_str(), "-", nullptr);
  });
  wait_for("clients", "2");  // it and the one that asks
  shared.go();
  const auto refused = shared.refusal();
  ASSERT_TRUE(refused) << "as cat it would be served, and as this test too";
  EXPECT_EQ(refused->code, Code::program_unknown);
  EXPECT_THAT(refused->message, HasSubstr("was tester when it connected and is cat now"));
}

TEST_F(AgentTest, BytesOfAnotherProcessEndTheConnection) {
  serve(always(Act::answer));
  start();
  SharedSocket shared(config_.socket.string());
  shared.start([](int socket, int) {
    const Bytes hello = hello_frame();
    if (::write(socket, hello.data(), hello.size()) < 0) ::_exit(2);
  });
  wait_for("clients", "2");
  shared.go();
  EXPECT_EQ(shared.refusal(), std::nullopt) << "the process that connected is served";
  Bytes ping;
  wire::append_empty_frame(ping, wire::FrameType::ping, 7);
  ASSERT_EQ(::send(shared.descriptor(), ping.data(), ping.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(ping.size()));
  const auto ended = shared.refusal();
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->code, Code::connection_lost);
}

}  // namespace
}  // namespace nae::agent::testing

// For tests: the agent's end of a Unix socket, on the test's own thread. A connection waits in the
// kernel's queue until it is accepted, so nobody needs to wait for anybody.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "libnae/wire/frame.hpp"

namespace nae::backend::testing {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string made = (std::filesystem::temp_directory_path() / "nae-XXXXXX").string();
    if (::mkdtemp(made.data()) == nullptr) throw std::runtime_error("no temporary directory");
    path_ = made;
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline int listen_at(const std::string& path, int backlog = 8) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  // Not with its terminator: a path of 107 bytes fills what a client may name.
  std::copy(path.begin(), path.end(), address.sun_path);
  const int listening = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listening < 0 ||
      ::bind(listening, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listening, backlog) != 0)
    throw std::runtime_error("cannot listen at " + path);
  return listening;
}

// One received frame with bytes of its own.
struct OwnedFrame {
  wire::FrameHeader header;
  Bytes body;
  wire::Frame view() const { return {header, body}; }
};

class TestAgentSocket {
 public:
  TestAgentSocket() : path_(directory_ / "agent.sock"), listening_(listen_at(path_)) {}
  ~TestAgentSocket() {
    hang_up();
    ::close(listening_);
  }

  const std::string& path() const { return path_; }
  void accept() { connected_ = ::accept(listening_, nullptr, nullptr); }
  void hang_up() {
    if (connected_ >= 0) ::close(connected_);
    connected_ = -1;
  }
  void send(ByteView bytes) {
    ASSERT_EQ(::send(connected_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  // All whole frames that were sent until now.
  std::vector<OwnedFrame> received() {
    for (;;) {
      ByteSpan space = assembler_.prepare(4096);
      const ssize_t got = ::recv(connected_, space.data(), space.size(), MSG_DONTWAIT);
      if (got <= 0) break;
      assembler_.commit(static_cast<std::size_t>(got));
    }
    std::vector<OwnedFrame> frames;
    for (auto frame = assembler_.next(); frame && *frame; frame = assembler_.next())
      frames.push_back({(*frame)->header, Bytes((*frame)->body.begin(), (*frame)->body.end())});
    return frames;
  }

 private:
  TemporaryDirectory directory_;
  std::string path_;
  int listening_ = -1, connected_ = -1;
  wire::FrameAssembler assembler_{1u << 20};
};

}  // namespace nae::backend::testing

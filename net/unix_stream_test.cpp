// Whose bytes a Unix socket takes, between real processes.
#include "net/unix_stream.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "net/descriptor.hpp"
#include "net/test_certificates.hpp"

namespace nae::net {
namespace {

class UnixStreamTest : public ::testing::Test {
 protected:
  UnixStreamTest() {
    address_.sun_family = AF_UNIX;
    path_.copy(address_.sun_path, path_.size());
    EXPECT_EQ(::bind(listening_.get(), reinterpret_cast<sockaddr*>(&address_), sizeof address_), 0);
    EXPECT_TRUE(enable_writer_credentials(listening_.get()));
    EXPECT_EQ(::listen(listening_.get(), 8), 0);
  }
  // A socket connected by a child, which then does `work` with it and ends.
  template <class Work>
  int accept_from(Work work) {
    child_ = ::fork();
    if (child_ == 0) {
      const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
      if (::connect(socket, reinterpret_cast<sockaddr*>(&address_), sizeof address_) != 0)
        ::_exit(1);
      work(socket);
      ::_exit(0);
    }
    return ::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC);
  }
  void wait_for_child() {
    int status = -1;
    EXPECT_EQ(::waitpid(child_, &status, 0), child_);
    EXPECT_EQ(status, 0);
  }

  testing::TemporaryDirectory directory_;
  std::string path_ = directory_ / "s";
  sockaddr_un address_{};
  Descriptor listening_{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  pid_t child_ = 0;
};

TEST_F(UnixStreamTest, TakesTheBytesOfTheProcessThatConnectedAndNoOthers) {
  Descriptor accepted(accept_from([](int socket) {
    if (::write(socket, "own", 3) != 3) ::_exit(2);
    const pid_t other = ::fork();
    if (other == 0) ::_exit(::write(socket, "other", 5) == 5 ? 0 : 3);
    int status = -1;
    if (::waitpid(other, &status, 0) != other || status != 0) ::_exit(4);
  }));
  wait_for_child();
  Bytes space(100);
  UnixStream stream(accepted.get(), Writers::connected_process);
  const Io own = stream.read_some(space);
  ASSERT_EQ(own.state, IoState::done);
  EXPECT_EQ(own.bytes, 3u) << "the other's bytes are not mixed with them";
  EXPECT_EQ(stream.read_some(space).state, IoState::failed);
  EXPECT_EQ(stream.error().code, Code::program_unknown);
}

TEST_F(UnixStreamTest, WithoutTheCheckAnyProcessMayWrite) {
  Descriptor accepted(accept_from([](int socket) {
    const pid_t other = ::fork();
    if (other == 0) ::_exit(::write(socket, "other", 5) == 5 ? 0 : 3);
    int status = -1;
    if (::waitpid(other, &status, 0) != other || status != 0) ::_exit(4);
  }));
  wait_for_child();
  Bytes space(100);
  EXPECT_EQ(UnixStream(accepted.get()).read_some(space).bytes, 5u);
}

TEST_F(UnixStreamTest, DescriptorsThatAPeerSendsAreClosed) {
  Descriptor accepted(accept_from([](int socket) {
    char byte = 'x';
    iovec data{&byte, 1};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(rights), &socket, sizeof socket);
    if (::sendmsg(socket, &message, 0) != 1) ::_exit(2);
  }));
  wait_for_child();
  Descriptor lowest_before(::dup(0));
  Bytes space(100);
  UnixStream stream(accepted.get(), Writers::connected_process);
  EXPECT_EQ(stream.read_some(space).bytes, 1u);
  Descriptor lowest_after(::dup(0));
  EXPECT_EQ(lowest_after.get(), lowest_before.get() + 1) << "nothing took a number in between";
}

}  // namespace
}  // namespace nae::net

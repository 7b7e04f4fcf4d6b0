#include "net/service_manager.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "net/descriptor.hpp"

namespace nae::net {
namespace {

// A manager's socket: real, and read without waiting, since a datagram is there when sendto() ends.
class Manager {
 public:
  explicit Manager(const std::string& address)
      : address_(address), socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un own{};
    own.sun_family = AF_UNIX;
    std::memcpy(own.sun_path, address.data(), address.size());
    if (address[0] == '@') own.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size());
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&own), size), 0);
    ::setenv("NOTIFY_SOCKET", address.c_str(), 1);
  }
  ~Manager() {
    ::unsetenv("NOTIFY_SOCKET");
    if (address_[0] == '/') std::filesystem::remove(address_);
  }

  // What came next; "" when nothing did.
  std::string next() {
    char text[512];
    const ssize_t size = ::recv(socket_.get(), text, sizeof text, MSG_DONTWAIT);
    return size < 0 ? "" : std::string(text, static_cast<std::size_t>(size));
  }

 private:
  std::string address_;
  Descriptor socket_;
};

std::string path() {
  return std::filesystem::temp_directory_path() / ("nae-notify-" + std::to_string(::getpid()));
}

class ServiceManager : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(PathAndAbstractName, ServiceManager,
                         ::testing::Values(path(), "@nae-notify-" + std::to_string(::getpid())),
                         [](const auto& test) { return test.index == 0 ? "Path" : "Abstract"; });

TEST_P(ServiceManager, IsToldInOneDatagramEach) {
  Manager manager(GetParam());
  tell_status("waiting for the HSM");
  tell_ready("serving");
  tell_stopping();
  EXPECT_EQ(manager.next(), "STATUS=waiting for the HSM");
  EXPECT_EQ(manager.next(), "READY=1\nSTATUS=serving");
  EXPECT_EQ(manager.next(), "STOPPING=1");
  EXPECT_EQ(manager.next(), "");
}

TEST_P(ServiceManager, TakesNoLineFromAMessage) {
  Manager manager(GetParam());
  tell_status("away\nREADY=1\r\n\tMAINPID=1");
  EXPECT_EQ(manager.next(), "STATUS=away READY=1   MAINPID=1");
}

TEST_P(ServiceManager, IsNotToldWhenTheVariableIsEmptyOrMissing) {
  Manager manager(GetParam());
  ::setenv("NOTIFY_SOCKET", "", 1);
  tell_ready("serving");
  ::unsetenv("NOTIFY_SOCKET");
  tell_ready("serving");
  EXPECT_EQ(manager.next(), "");
}

TEST_P(ServiceManager, ThatIsGoneIsAnError) {
  EXPECT_EQ(notify(GetParam(), "READY=1").error().code, Code::file_failed);
}

TEST(ServiceManagerAddress, OfAnotherKindIsRefused) {
  for (std::string_view address : {"", "/", "@", "relative/path", "vsock:2:1234"})
    EXPECT_EQ(notify(address, "READY=1").error().code, Code::invalid_argument) << address;
}

TEST(ServiceManagerAddress, IsRefusedWhereTheKernelsEnds) {
  constexpr std::size_t kRoom = sizeof(sockaddr_un::sun_path);
  const std::string name(kRoom, 'x');
  // Nobody listens there: the address itself is good.
  EXPECT_EQ(notify("/" + name.substr(2), "READY=1").error().code, Code::file_failed);
  EXPECT_EQ(notify("/" + name.substr(1), "READY=1").error().code, Code::invalid_argument);
  EXPECT_EQ(notify("@" + name.substr(1), "READY=1").error().code, Code::file_failed);
  EXPECT_EQ(notify("@" + name, "READY=1").error().code, Code::invalid_argument);
}

}  // namespace
}  // namespace nae::net

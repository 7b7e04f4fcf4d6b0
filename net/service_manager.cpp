#include "net/service_manager.hpp"

#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>

#include "libnae/base/log_text.hpp"
#include "net/descriptor.hpp"

namespace nae::net {
namespace {

constexpr char kVariable[] = "NOTIFY_SOCKET";
constexpr timeval kPatience{5, 0};

void tell(const std::string& lines) {
  const char* address = std::getenv(kVariable);
  if (address == nullptr || *address == '\0') return;
  if (auto told = notify(address, lines); !told)
    spdlog::warn("event=service-manager-not-told message={}", quoted_text(told.error().message));
}

std::string status_line(std::string_view status) {
  std::string line = "STATUS=" + std::string(status);
  std::replace_if(
      line.begin(), line.end(), [](unsigned char c) { return c < ' '; }, ' ');
  return line;
}

Error not_told(std::string_view address) {
  return Error(Code::file_failed,
               std::string(kVariable) + " " + std::string(address) + ": " + std::strerror(errno));
}

}  // namespace

void tell_ready(std::string_view status) {
  tell("READY=1\n" + status_line(status));
}

void tell_status(std::string_view status) {
  tell(status_line(status));
}

void tell_stopping() {
  tell("STOPPING=1");
}

Result<void> notify(std::string_view address, std::string_view lines) {
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  // A path takes the place of its zero byte too; an abstract name ends where the length says.
  const bool is_abstract = address.starts_with('@');
  if ((!is_abstract && !address.starts_with('/')) || address.size() < 2 ||
      address.size() + (is_abstract ? 0 : 1) > sizeof to.sun_path)
    return fail(Code::invalid_argument,
                std::string(kVariable) + " is no Unix socket: \"" + std::string(address) + "\"");
  std::memcpy(to.sun_path, address.data(), address.size());
  if (is_abstract) to.sun_path[0] = '\0';
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size() +
                                           (is_abstract ? 0 : 1));

  Descriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (socket.get() < 0) return fail(not_told(address));
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
  ssize_t sent;
  do {
    sent = ::sendto(socket.get(), lines.data(), lines.size(), MSG_NOSIGNAL,
                    reinterpret_cast<const sockaddr*>(&to), size);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) return fail(not_told(address));
  return {};
}

}  // namespace nae::net

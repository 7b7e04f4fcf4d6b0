#include "net/vm_generation.hpp"

#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "net/descriptor.hpp"

namespace nae::net {
namespace {

constexpr std::size_t kEventBytes = 8192;   // the kernel's own bound is 2,048
constexpr std::uint32_t kKernelEvents = 1;  // multicast group; the other one is udev's

}  // namespace

bool is_new_vm_generation(std::string_view event) {
  while (!event.empty()) {
    const std::size_t end = std::min(event.find('\0'), event.size());
    if (event.substr(0, end) == "NEW_VMGENID=1") return true;
    event.remove_prefix(std::min(end + 1, event.size()));
  }
  return false;
}

Result<std::unique_ptr<VmGeneration>> VmGeneration::watch(boost::asio::io_context& loop,
                                                          std::function<void()> on_change) {
  Descriptor socket(
      ::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT));
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = kKernelEvents;
  if (socket.get() < 0 ||
      ::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    return fail(Code::unsupported,
                std::string("the kernel's events cannot be read: ") + std::strerror(errno));
  return std::unique_ptr<VmGeneration>(
      new VmGeneration(loop, socket.release(), std::move(on_change)));
}

VmGeneration::VmGeneration(boost::asio::io_context& loop, int socket,
                           std::function<void()> on_change)
    : socket_(loop, socket), on_change_(std::move(on_change)) {
  wait();
}

void VmGeneration::wait() {
  socket_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                     [this](const boost::system::error_code& error) {
                       if (error) return;  // cancelled: this object is going away
                       read_events();
                       wait();
                     });
}

void VmGeneration::read_events() {
  std::array<char, kEventBytes> event;
  while (true) {
    sockaddr_nl sender{};
    socklen_t sender_bytes = sizeof sender;
    const ssize_t got = ::recvfrom(socket_.native_handle(), event.data(), event.size(), 0,
                                   reinterpret_cast<sockaddr*>(&sender), &sender_bytes);
    if (got < 0 && errno == ENOBUFS) {
      on_change_();
      continue;
    }
    if (got <= 0) return;
    if (sender.nl_pid != 0) continue;  // not the kernel
    if (is_new_vm_generation({event.data(), static_cast<std::size_t>(got)})) on_change_();
  }
}

}  // namespace nae::net

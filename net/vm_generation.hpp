// VmGeneration: says when the kernel learns that its virtual machine was resumed from a snapshot or
// cloned (the VM generation ID of the hypervisor changed). Linux tells processes since 6.10, by an
// event of the device; older kernels and other hypervisors do not, so nothing may rest on it alone.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <memory>
#include <string_view>

#include "libnae/base/result.hpp"

namespace nae::net {

// Of a kernel's event: "change@/devices/...", then NAME=value, each ended by a zero byte.
bool is_new_vm_generation(std::string_view event);

class VmGeneration {
 public:
  // `on_change` runs on `loop`; also when events were lost, any of which may have been this one.
  // Code::unsupported when this process may not listen.
  static Result<std::unique_ptr<VmGeneration>> watch(boost::asio::io_context& loop,
                                                     std::function<void()> on_change);

 private:
  VmGeneration(boost::asio::io_context& loop, int socket, std::function<void()> on_change);
  void wait();
  void read_events();

  boost::asio::posix::stream_descriptor socket_;
  std::function<void()> on_change_;
};

}  // namespace nae::net

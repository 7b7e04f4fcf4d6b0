// Notices that the virtual machine was resumed from a snapshot or cloned.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>

#include "keyserver/keys/process_image.hpp"
#include "net/vm_generation.hpp"

namespace nae::server {

// Nonces hold without it; what was drawn before is given up all the same.
class MachineWatch {
 public:
  explicit MachineWatch(std::shared_ptr<keys::ProcessImage> image) : image_(std::move(image)) {}

  // Looks on the loop's thread. Where the process may not listen to the kernel, the log says so.
  void start(boost::asio::io_context& loop);

 private:
  std::shared_ptr<keys::ProcessImage> image_;
  std::unique_ptr<net::VmGeneration> generation_;
};

}  // namespace nae::server

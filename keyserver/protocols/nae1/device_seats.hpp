// DeviceSeats: the places of agents' connections, all together and those of one device. A
// connection has its seat before anything is read from it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "libnae/base/result.hpp"

namespace nae::nae1 {

// Thread-safe.
class DeviceSeats : public std::enable_shared_from_this<DeviceSeats> {
 public:
  DeviceSeats(std::uint32_t most, std::uint32_t most_of_one)
      : most_(most), most_of_one_(most_of_one) {}

  // The place of one connection, free again when this goes. Keeps the seats alive.
  class Seat {
   public:
    Seat(std::shared_ptr<DeviceSeats> seats, std::string device)
        : seats_(std::move(seats)), device_(std::move(device)) {}
    Seat(Seat&&) noexcept = default;
    Seat& operator=(Seat&&) = delete;
    ~Seat() {
      if (seats_) seats_->leave(device_);
    }

   private:
    std::shared_ptr<DeviceSeats> seats_;
    std::string device_;
  };
  // Code::limit_exceeded when the device has its share, Code::overloaded when all are taken.
  Result<Seat> enter(const std::string& device);

 private:
  void leave(const std::string& device);

  const std::uint32_t most_;
  const std::uint32_t most_of_one_;
  std::mutex mutex_;
  std::map<std::string, std::uint32_t> taken_by_;
  std::uint32_t taken_ = 0;
};

}  // namespace nae::nae1

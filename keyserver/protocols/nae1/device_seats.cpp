#include "keyserver/protocols/nae1/device_seats.hpp"

namespace nae::nae1 {

Result<DeviceSeats::Seat> DeviceSeats::enter(const std::string& device) {
  std::lock_guard lock(mutex_);
  auto found = taken_by_.find(device);
  if (found != taken_by_.end() && found->second >= most_of_one_)
    return fail(Code::limit_exceeded, "device \"" + device + "\" has " +
                                          std::to_string(found->second) + " connections open");
  if (taken_ >= most_)
    return fail(Code::overloaded, std::to_string(taken_) + " agents are connected");
  ++taken_;
  ++taken_by_[device];
  return Seat(shared_from_this(), device);
}

void DeviceSeats::leave(const std::string& device) {
  std::lock_guard lock(mutex_);
  --taken_;
  auto found = taken_by_.find(device);
  if (--found->second == 0) taken_by_.erase(found);
}

}  // namespace nae::nae1

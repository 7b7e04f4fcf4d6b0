// The parts that connections of nae/1 are served with. main() owns them; everything here outlives
// every connection.
#pragma once

#include <chrono>
#include <memory>

#include "keyserver/audit/log.hpp"
#include "keyserver/service/certificate_register.hpp"
#include "keyserver/service/device_seats.hpp"
#include "keyserver/service/parts.hpp"
#include "keyserver/service/told_state.hpp"
#include "libnae/wire/limits.hpp"
#include "net/memory_budget.hpp"

namespace nae::service {

struct NaeSettings {
  wire::Limits limits;
  std::chrono::milliseconds hello_timeout{10'000};  // who says nothing takes another's place
  std::chrono::milliseconds frame_timeout{30'000};  // from a frame's first byte to its last
  // What of one connection may wait for the HSM: others must find room in memory and in its queue.
  std::size_t max_waiting = 1024;
  std::size_t max_waiting_bytes = 64u << 20;
};

struct NaeParts {
  Parts core;  // what its requests are served with
  audit::Log& audit;
  CertificateRegister& devices;
  std::shared_ptr<DeviceSeats> seats;
  // For half-received frames, requests that wait for the HSM, and answers that are not taken.
  std::shared_ptr<net::MemoryBudget> memory;
  const NaeSettings& settings;
  std::shared_ptr<ToldState> state = std::make_shared<ToldState>();
};

}  // namespace nae::service

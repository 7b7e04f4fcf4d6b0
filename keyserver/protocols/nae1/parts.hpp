// The parts that connections of nae/1 are served with. main() owns them; everything here outlives
// every connection.
#pragma once

#include <chrono>
#include <memory>

#include "keyserver/audit/log.hpp"
#include "keyserver/operations/parts.hpp"
#include "keyserver/operations/told_state.hpp"
#include "keyserver/protocols/certificate_register.hpp"
#include "keyserver/protocols/nae1/device_seats.hpp"
#include "keyserver/protocols/nae1/told_nodes.hpp"
#include "libnae/wire/limits.hpp"
#include "net/memory_budget.hpp"

namespace nae::nae1 {

struct Settings {
  wire::Limits limits;
  std::chrono::milliseconds hello_timeout{10'000};  // who says nothing takes another's place
  std::chrono::milliseconds frame_timeout{30'000};  // from a frame's first byte to its last
  // What of one connection may wait for the HSM: others must find room in memory and in its queue.
  std::size_t max_waiting = 1024;
  std::size_t max_waiting_bytes = 64u << 20;
};

struct Parts {
  operations::Parts core;  // what its requests are served with
  audit::Log& audit;
  protocols::CertificateRegister& devices;
  std::shared_ptr<DeviceSeats> seats;
  // For half-received frames, requests that wait for the HSM, and answers that are not taken.
  std::shared_ptr<net::MemoryBudget> memory;
  const Settings& settings;
  std::shared_ptr<operations::ToldState> state = std::make_shared<operations::ToldState>();
  std::shared_ptr<ToldNodes> nodes = std::make_shared<ToldNodes>();
};

}  // namespace nae::nae1

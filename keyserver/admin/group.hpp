// The group that shares the store: the port to what this server knows of it.
// keyserver/server/under_lease.hpp implements it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "libnae/base/result.hpp"

namespace nae::admin {

// Thread-safe.
class Group {
 public:
  virtual ~Group() = default;

  // Seconds for which this server may answer yet unless its lease of the store is renewed.
  virtual double lease_seconds_left() const = 0;
  // The store has all that was seen of it.
  virtual bool store_is_whole() const = 0;
  // What the store takes outlives a machine.
  virtual bool store_is_synchronous() const = 0;
  // Versions that this server's token lacks, KeyRing::not_on_token() at the start.
  virtual const std::vector<std::string>& not_on_token() const = 0;
  // Whether another server is in charge.
  virtual bool follows() const = 0;
  // Of a server that follows: who is in charge, for people. Asks the store.
  virtual std::string in_charge() const = 0;
  // After each call that may have changed the store, before it is answered. What it gives waits
  // until the change that is the newest now is in force on every key server that answers, and may
  // be called on another thread: Code::timeout when that takes too long. Empty: there is nothing to
  // wait for.
  virtual std::function<Result<void>()> in_force() = 0;
};

}  // namespace nae::admin

// Candidate: decides when a lease that others hold is over, by looking at it again and again. It
// compares no clock of another machine: docs/spec/group.md, G3.
#pragma once

#include <chrono>
#include <optional>

#include "keyserver/group/boot_clock.hpp"
#include "keyserver/store/lease.hpp"

namespace nae::group {

class Candidate {
 public:
  // The lease as it was read; `now` is after the answer came. True when it may be taken: it was
  // given back, or it has stood unchanged for as long as it lasts.
  bool may_take(const store::LeaseState& seen, BootClock::time_point now) {
    if (!last_ || *last_ != seen) {
      last_ = seen;
      since_ = now;
    }
    return seen.released || now - since_ >= seen.duration;
  }

 private:
  std::optional<store::LeaseState> last_;
  BootClock::time_point since_;
};

}  // namespace nae::group

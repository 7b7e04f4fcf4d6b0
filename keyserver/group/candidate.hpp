// Candidate: decides when a lease that others hold is over, by looking at it again and again. It
// compares no clock of another machine: docs/spec/group.md, G3.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>

#include "keyserver/group/boot_clock.hpp"
#include "keyserver/store/lease.hpp"

namespace nae::group {

class Candidate {
 public:
  // The lease as it was read; `now` is after the answer came. True when it may be taken: it was
  // given back, or it has stood unchanged for as long as it lasts, and for `own` at least, which is
  // what this node takes it for: the row is not signed, and a hand may have shortened it.
  bool may_take(const store::LeaseState& seen, BootClock::time_point now,
                std::chrono::milliseconds own) {
    if (!last_ || *last_ != seen) {
      moved_ = last_.has_value();
      last_ = seen;
      since_ = now;
    }
    return seen.released || now - since_ >= std::max(seen.duration, own);
  }
  // Whether the row was another one at two looks: somebody is there who writes it.
  bool has_moved() const { return moved_; }
  // Whose it was at the last look; nullptr before the first.
  const std::string* node() const { return last_ ? &last_->node : nullptr; }

 private:
  std::optional<store::LeaseState> last_;
  bool moved_ = false;
  BootClock::time_point since_;
};

}  // namespace nae::group

// Presence: this run of a node among the runs that have its name. Two that live at once would be
// taken for one. It compares no clock of another machine: docs/spec/group.md, "Nodes".
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>

#include "keyserver/group/boot_clock.hpp"
#include "keyserver/store/lease.hpp"
#include "keyserver/store/nodes.hpp"

namespace nae::group {

class Presence {
 public:
  enum class Verdict {
    free,   // the name may be taken, or is this run's
    wait,   // the last run may be alive
    taken,  // another run lives
  };
  // What a run that was killed had sent may still arrive once after it was looked at.
  static constexpr std::int64_t kBeatsOfTheDead = 1;

  explicit Presence(std::string run) : run_(std::move(run)) {}
  const std::string& run() const { return run_; }

  // The row as it was read; `now` is after the answer came. A run that is silent is over when its
  // row has stood for as long as it is good for, and for `own` at least; one that was in charge,
  // when it has not the lease any more. `lease` was read after `seen`.
  Verdict may_begin(const store::NodeRun& seen, const store::LeaseState& lease,
                    BootClock::time_point now, std::chrono::milliseconds own) {
    if (seen.left || seen.run.empty() || seen.run == run_) return Verdict::free;
    if (seen.in_charge && (lease.released || lease.holder != seen.run)) return Verdict::free;
    if (!first_ || first_->run != seen.run) {
      first_ = last_ = seen;
      since_ = now;
    }
    if (seen.beat - first_->beat > kBeatsOfTheDead) return Verdict::taken;
    if (seen.beat != last_->beat) {
      last_ = seen;
      since_ = now;
    }
    return now - since_ >= std::max(seen.duration, own) ? Verdict::free : Verdict::wait;
  }

 private:
  const std::string run_;
  std::optional<store::NodeRun> first_, last_;
  BootClock::time_point since_;
};

}  // namespace nae::group

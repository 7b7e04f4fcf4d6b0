#include "keyserver/server/clock_watch.hpp"

#include <spdlog/spdlog.h>

#include "libnae/base/log_text.hpp"

namespace nae::server {
namespace {

constexpr int kLooksUntilSaved = 10;
constexpr char kHint[] =
    "set the clock right and nothing else is to be done; if it is right as it is, 'nae clock "
    "accept'";

}  // namespace

Result<void> ClockWatch::begin(std::int64_t newest_record_us) {
  NAE_ASSIGN(const std::optional<keys::KeptTime> kept, keeper_.kept_time());
  clock_.begin(kept, newest_record_us);
  NAE_TRY(keeper_.keep_time(clock_.kept()));
  tell();
  return {};
}

void ClockWatch::look() {
  static_cast<void>(clock_.look());
  const bool news = clock_.jumps() != told_jumps_ || clock_.trusted() != told_trusted_;
  // A doubt that the store does not know of would let records of a false clock vouch for it.
  if (news || ++since_saved_ >= kLooksUntilSaved) save();
  if (news) tell();
}

void ClockWatch::save() {
  since_saved_ = 0;
  if (auto saved = keeper_.keep_time(clock_.kept()); !saved)
    spdlog::error("event=time-not-saved message={}", quoted_text(saved.error().message));
}

// Told once it is recorded; else at the next look.
void ClockWatch::tell() {
  const std::uint64_t jumps = clock_.jumps();
  const std::string problem = clock_.problem();
  if (jumps != told_jumps_) {
    const std::string text = problem.empty() ? "the wall clock jumped and came back" : problem;
    spdlog::error("event=clock-jumped message={} hint={}", quoted_text(text), quoted_text(kHint));
    if (!record_event_("clock-jumped", text + "; what was planned for keys waits")) return;
    told_jumps_ = jumps;
    told_trusted_ = false;
  }
  if (!problem.empty() || told_trusted_) return;
  spdlog::warn("event=clock-trusted");
  if (record_event_("clock-trusted",
                    "the wall clock agrees with the time that has passed, or was accepted"))
    told_trusted_ = true;
}

}  // namespace nae::server

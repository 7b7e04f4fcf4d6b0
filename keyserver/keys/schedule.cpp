#include "keyserver/keys/schedule.hpp"

#include <algorithm>

#include "keyserver/keys/state.hpp"

namespace nae::keys {
namespace {

constexpr std::int64_t kDayUs = std::int64_t{86'400} * 1'000'000;

template <class Take>
void plan(const Key& key, Take take) {
  for (const Version& version : key.versions)
    for (const Step& step : version.schedule)
      take(Due{step.at_us, key.id, version.number, step.state});
  if (const std::int64_t at_us = rotation_date(key)) take(Due{at_us, key.id, 0, State{}});
}

}  // namespace

Result<void> check_schedule(State from, const std::vector<Step>& schedule) {
  State before = from;
  for (const Step& step : schedule) {
    if (step.state <= before || !may_become(before, step.state))
      return fail(Code::key_state, "a version that is " + std::string(name(before)) +
                                       " then cannot become " + std::string(name(step.state)));
    before = step.state;
  }
  return {};
}

std::vector<Step> remaining(const std::vector<Step>& schedule, State state) {
  std::vector<Step> left;
  std::ranges::copy_if(schedule, std::back_inserter(left),
                       [&](const Step& step) { return step.state > state; });
  return left;
}

const Step* find_step(const Version& version, State state) {
  const auto found = std::ranges::find(version.schedule, state, &Step::state);
  return found == version.schedule.end() ? nullptr : &*found;
}

std::int64_t rotation_date(const Key& key) {
  const Version& newest = key.versions.back();
  if (key.attributes.rotate_after_days == 0 || newest.state != State::active) return 0;
  return std::max(newest.created_at_us, newest.changed_at_us) +
         key.attributes.rotate_after_days * kDayUs;
}

bool used_up(const Key& key, std::int64_t uses) {
  const std::int64_t most = key.attributes.rotate_after_uses;
  return most != 0 && key.versions.back().state == State::active && uses >= most;
}

void Agenda::add(const Key& key) {
  plan(key, [this](const Due& due) { planned_.insert(due); });
}

void Agenda::remove(const Key& key) {
  plan(key, [this](const Due& due) { planned_.erase(due); });
}

std::vector<Due> Agenda::due(std::int64_t now_us) const {
  std::vector<Due> found;
  for (const Due& planned : planned_) {
    if (planned.at_us > now_us) break;
    found.push_back(planned);
  }
  return found;
}

}  // namespace nae::keys

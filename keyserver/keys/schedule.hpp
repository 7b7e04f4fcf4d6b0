// What the key server does to keys by itself, and when: decided here, done by the ring. Dates are
// Unix time in microseconds. docs/spec/keys.md, "Schedule".
#pragma once

#include <compare>
#include <cstdint>
#include <set>
#include <vector>

#include "keyserver/keys/key.hpp"

namespace nae::keys {

// Code::key_state unless every step leads on from the one before it, beginning at `from`, and only
// towards the end of a life: nothing that was retired comes back by itself.
Result<void> check_schedule(State from, const std::vector<Step>& schedule);

// What is left of `schedule` when a version comes into `state`: the steps that lie behind it fall
// away, whoever made the change.
std::vector<Step> remaining(const std::vector<Step>& schedule, State state);
// The step to `state`, nullptr when none is scheduled.
const Step* find_step(const Version& version, State state);

// One thing to do, ordered by date. Without a version it is the rotation of the key.
struct Due {
  std::int64_t at_us = 0;  // 0: at once, the key is used up
  KeyId key;
  std::uint16_t version = 0;  // 0: rotate
  State state{};
  friend auto operator<=>(const Due&, const Due&) = default;
};

// When a key is rotated because of the age of its newest version; 0: it is not. A key whose newest
// version is not active is left alone: somebody may have stopped it, and a new version would start
// it again.
std::int64_t rotation_date(const Key& key);
// True when its newest version is active and has served as many uses as the key allows it.
bool used_up(const Key& key, std::int64_t uses);

// Everything that is planned for all keys.
class Agenda {
 public:
  void add(const Key& key);
  void remove(const Key& key);
  // Up to `now_us`, by date.
  std::vector<Due> due(std::int64_t now_us) const;
  std::size_t size() const { return planned_.size(); }

 private:
  std::set<Due> planned_;
};

}  // namespace nae::keys

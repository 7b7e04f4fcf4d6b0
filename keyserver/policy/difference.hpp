// What another document would change, in words, for who is about to apply it.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "keyserver/policy/document.hpp"

namespace nae::policy {

// Bounds of one comparison; beyond them it is not complete.
inline constexpr std::size_t kMaxComparedNames = 512;  // of a kind
inline constexpr std::size_t kMaxComparedCases = 200'000;
inline constexpr std::size_t kMaxComparisonSteps = 5'000'000;  // on the way to cases
inline constexpr std::size_t kMaxChanges = 1000;

// A group of cases of which the same is true. An empty list means all.
struct Change {
  std::vector<std::string> roles, actions, keys, databases, devices, programs;
  std::string before, after;  // outcome_of()
  std::string text;           // "analyst loses decrypt on customer-*"
};

struct Difference {
  std::vector<std::string> declarations;  // "device db2 is new"
  std::vector<Change> changes;
  bool complete = true;
};

// Compares over every role, database, device, program and key name or pattern that occurs in either
// document, the keys of `key_names`, "any other" of each, and all actions. Roles are taken one by
// one: a session also has the rules of its memberships.
Difference compare(const Document& before, const Document& after,
                   std::span<const std::string> key_names);

}  // namespace nae::policy

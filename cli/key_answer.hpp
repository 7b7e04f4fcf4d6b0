// Keys as their commands show them, and the attributes that create and set share.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/command.hpp"

namespace nae::cli {

void show_key(Call& call, const json::value& key);

// Options that say what a key is for. Absent ones change nothing.
struct AttributeOptions {
  std::optional<std::string> owner, description;
  std::vector<std::string> labels, remove_labels;
  std::vector<std::string> actions, algorithms;
  bool all_actions = false, all_algorithms = false;
  std::optional<unsigned> rotate_after_days;
  std::optional<std::int64_t> rotate_after_uses;

  // Into the body of a request. Code::invalid_argument for a label that is not NAME=VALUE.
  Result<void> write(json::object& body) const;
};
void add_attribute_options(CLI::App& leaf, AttributeOptions& options);

// Adds the commands about states and their dates to `nae key`.
void add_key_states(CLI::App& key, Action& chosen);
// And `nae key rotate`.
void add_key_rotate(CLI::App& key, Action& chosen);

}  // namespace nae::cli

// Contexts: the profiles of a person by name, and which of them is in use. Files below
// $XDG_CONFIG_HOME/nae: contexts/NAME.toml, each a profile, and `context`, which holds a name.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cli/profile.hpp"
#include "libnae/base/result.hpp"

namespace nae::cli {

// $XDG_CONFIG_HOME/nae, else ~/.config/nae. Empty when the environment names neither.
std::filesystem::path configuration_directory();

// Where a profile comes from.
struct ProfileSource {
  std::filesystem::path file;  // empty: there is none
  std::string named_by;        // "--config", "context prod, in use": for people
};
// `config`, a file, when it is given; else what $NAE_CONFIG names, the context that $NAE_CONTEXT
// names, the context in use, or ~/.config/nae/cli.toml where it exists. Code::invalid_argument when
// a named context is not there.
Result<ProfileSource> profile_source(const std::string& config);

class Contexts {
 public:
  // Of the person whose configuration_directory() it is.
  explicit Contexts(std::filesystem::path directory) : directory_(std::move(directory)) {}

  // In alphabetical order; none when there is no such directory.
  std::vector<std::string> names() const;
  // Empty: none is. Code::config_invalid when the file holds no name.
  Result<std::string> in_use() const;
  // Code::invalid_argument, with the nearest name, when there is no such context.
  Result<std::filesystem::path> profile_of(const std::string& name) const;

  // Code::invalid_argument when the name is taken, is none, or a path cannot be written into TOML.
  // Paths of `profile` are kept absolute, files are not copied: the key stays where it is.
  Result<void> add(const std::string& name, const Profile& profile) const;
  Result<void> use(const std::string& name) const;
  // None is in use then, when it was this one. The files that its profile names stay.
  Result<void> remove(const std::string& name) const;

 private:
  std::filesystem::path file_of(const std::string& name) const {
    return directory_ / "contexts" / (name + ".toml");
  }
  std::filesystem::path use_file() const { return directory_ / "context"; }

  std::filesystem::path directory_;
};

}  // namespace nae::cli

// A restore that puts keys onto a token: a file beside the store says how far it came, so that the
// next one, after a crash or a power cut, knows what to take back, and no server starts meanwhile.
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

#include "keyserver/config/config.hpp"
#include "libnae/custody/custody_set.hpp"

namespace nae::server {

enum class RestoreStep { keys, store, versions, record };
std::string_view name(RestoreStep step);  // "keys"

struct LeftRestore {
  RestoreStep step{};
  bool brings_store = false;  // from a backup: from the step `store` on it made the store's file
};

class UnfinishedRestore {
 public:
  UnfinishedRestore(const config::Config& config, const custody::GroupId& group,
                    bool brings_store = false);

  // How far a restore of this group had come. Code::conflict when it was one of another group;
  // Code::file_failed for a file that is no such note.
  Result<std::optional<LeftRestore>> left_behind() const;
  // On the disk when it returns: what is about to be done, not what was.
  Result<void> reached(RestoreStep step);
  Result<void> finish();

 private:
  std::filesystem::path file_;
  custody::GroupId group_;
  bool brings_store_;
};

// Code::not_initialised when a restore was interrupted: the token may have some of its keys.
Result<void> refuse_unfinished_restore(const config::Config& config);

}  // namespace nae::server

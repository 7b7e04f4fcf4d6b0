// An initialisation on its way: a file in its directory says how far it came, so that the next one,
// after a crash or a power cut, knows what to take back.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "keyserver/hsm/pkcs11_hsm.hpp"
#include "libnae/custody/custody_set.hpp"

namespace nae::setup {

enum class Step { directory, token, keys, certificates, store, custody, configuration };
std::string_view name(Step step);

class Unfinished {
 public:
  // `token`: whose keys are to be taken back; empty for one that is below the directory.
  static Result<Unfinished> begin(const std::filesystem::path& directory,
                                  const custody::GroupId& group, const std::string& token);
  // On the disk when it returns: what is about to be done, not what was.
  Result<void> reached(Step step);
  // The note is gone, on the disk, too.
  Result<void> finish();

 private:
  Unfinished(std::filesystem::path file, std::string head)
      : file_(std::move(file)), head_(std::move(head)) {}
  std::filesystem::path file_;
  std::string head_;
};

// Removes a note that a run left beside the configuration that it had written, with which the
// server is whole. Code::file_failed when it cannot be removed.
Result<void> forget_finished(const std::filesystem::path& directory);

// Removes what init makes in `directory`, and the note last: interrupted here, the next run comes
// here again. Code::file_failed when something stays; so does the note then.
Result<void> remove_made(const std::filesystem::path& directory);

struct LeftBehind {
  Step step{};
  custody::GroupId group{};
  std::string token;
};
// What an interrupted run left in `directory`; nothing where none did, or where it had written the
// configuration, with which a server is whole. Code::file_failed for a file that is no such note.
Result<std::optional<LeftBehind>> find_left_behind(const std::filesystem::path& directory);

// Removes it: the keys of its group from the token in `hsm`, and the files that init makes.
// Code::conflict when that is another token, when the directory holds what no init made, and when
// the run had come to its last step: its configuration may have been there, and the server in use
// since. Nothing is removed then.
Result<void> take_back(const std::filesystem::path& directory, const LeftBehind& left,
                       const hsm::Options& hsm);

}  // namespace nae::setup

#include "keyserver/server/unfinished_restore.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>

#include "keyserver/audit/file.hpp"
#include "libnae/base/file.hpp"
#include "libnae/base/text.hpp"

namespace nae::server {
namespace {

constexpr std::string_view kNote = "restore.unfinished";
constexpr std::size_t kMaxNoteBytes = 1024;
constexpr std::string_view kFirstLine =
    "nae-keyserver restore is at work here, or was interrupted: run it again.\n";
constexpr std::array<std::string_view, 4> kSteps = {"keys", "store", "versions", "record"};

std::filesystem::path note_of(const config::Config& config) {
  return config::group_directory(config) / kNote;
}

std::string text_of(const custody::GroupId& group, const LeftRestore& at) {
  return std::string(kFirstLine) + "group " + to_hex(group) + "\nstep " +
         std::string(name(at.step)) + "\n" + (at.brings_store ? "store from a backup\n" : "");
}

}  // namespace

std::string_view name(RestoreStep step) {
  return kSteps[static_cast<std::size_t>(step)];
}

UnfinishedRestore::UnfinishedRestore(const config::Config& config, const custody::GroupId& group,
                                     bool brings_store)
    : file_(note_of(config)), group_(group), brings_store_(brings_store) {}

Result<std::optional<LeftRestore>> UnfinishedRestore::left_behind() const {
  if (!name_is_taken(file_)) return std::nullopt;
  NAE_ASSIGN(const std::string text, read_file(file_, kMaxNoteBytes));
  for (std::size_t step = 0; step < kSteps.size(); ++step)
    for (const bool brings_store : {false, true})
      if (const LeftRestore at{static_cast<RestoreStep>(step), brings_store};
          text == text_of(group_, at))
        return at;
  if (!text.starts_with(kFirstLine))
    return fail(Code::file_failed, file_.string() + " is no note of nae-keyserver restore");
  return fail(Code::conflict, "a restore of another group was interrupted here: " + file_.string(),
              "Run that one again, with its custody file.");
}

Result<void> UnfinishedRestore::reached(RestoreStep step) {
  return replace_file(file_, as_bytes(text_of(group_, {step, brings_store_})), S_IRUSR | S_IWUSR);
}

Result<void> UnfinishedRestore::finish() {
  std::error_code error;
  std::filesystem::remove(file_, error);
  if (!error) return audit::sync_directory(file_.parent_path());
  return fail(Code::file_failed, "cannot remove " + file_.string() + ": " + error.message(),
              "Remove it by hand: the keys are back.");
}

Result<void> refuse_unfinished_restore(const config::Config& config) {
  if (!name_is_taken(note_of(config))) return {};
  return fail(Code::not_initialised,
              "a restore of the keys is at work, or was interrupted: " + note_of(config).string(),
              "Run nae-keyserver restore again: it takes up where that one stood.");
}

}  // namespace nae::server

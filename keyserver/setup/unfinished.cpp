#include "keyserver/setup/unfinished.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "keyserver/hsm/provision.hpp"
#include "libnae/base/file.hpp"
#include "libnae/base/text.hpp"

namespace nae::setup {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kNote = "init.unfinished";
constexpr std::string_view kConfiguration = "nae-keyserver.toml";
constexpr std::size_t kMaxNoteBytes = 4096;
constexpr std::string_view kFirstLine =
    "nae-keyserver init is at work here, or was interrupted: run it again.\n";
constexpr std::array<std::string_view, 7> kSteps = {
    "directory", "token", "keys", "certificates", "store", "custody", "configuration"};
constexpr std::string_view kMade[] = {"hsm", "tls", "audit", "admin", "custody", "custody.nae"};
constexpr std::string_view kStore = "keys.db";  // and what SQLite has beside it: keys.db.new-wal

// "NAME VALUE\n" at the beginning of `rest`, which it is taken from.
std::optional<std::string> take_line(std::string_view& rest, std::string_view name) {
  const std::size_t end = rest.find('\n');
  if (end == std::string_view::npos || !rest.starts_with(name) || end <= name.size() ||
      rest[name.size()] != ' ')
    return {};
  std::string value(rest.substr(name.size() + 1, end - name.size() - 1));
  rest.remove_prefix(end + 1);
  return value;
}

tl::unexpected<Error> no_note(const fs::path& file) {
  return fail(Code::file_failed, file.string() + " is no note of nae-keyserver init",
              "Look at the directory; init takes an empty one.");
}

// Those, and what replace_file() and write_new_file() write beside the file that it becomes.
bool is_made(std::string_view name) {
  const auto is_of = [&](std::string_view made) {
    return name == made ||
           (name.starts_with("." + std::string(made) + ".") && name.ends_with(".new"));
  };
  return is_of(kNote) || is_of(kConfiguration) || std::ranges::any_of(kMade, is_of) ||
         is_of(kStore) || name.starts_with(kStore);
}

// On the disk when it returns: a note that a power cut brings back would have a server taken back.
Result<void> remove_note(const fs::path& file) {
  const auto failed = [&] {
    return fail(Code::file_failed, "cannot remove " + file.string() + ": " + std::strerror(errno));
  };
  if (::unlink(file.c_str()) != 0 && errno != ENOENT) return failed();
  const int directory = ::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool flushed = directory >= 0 && ::fsync(directory) == 0;
  const int error = errno;
  if (directory >= 0) ::close(directory);
  errno = error;
  // Some file systems flush their directories themselves, and say so.
  if (!flushed && errno != EINVAL) return failed();
  return {};
}

// Killed while its first note was written: what should have become the note is all that there is.
bool holds_only_a_first_note(const fs::path& directory) {
  std::error_code error;
  bool some = false;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("." + std::string(kNote) + ".") || !name.ends_with(".new")) return false;
    some = true;
  }
  return some && !error;
}

}  // namespace

std::string_view name(Step step) {
  return kSteps[static_cast<std::size_t>(step)];
}

Result<Unfinished> Unfinished::begin(const fs::path& directory, const custody::GroupId& group,
                                     const std::string& token) {
  Unfinished note(directory / kNote,
                  std::string(kFirstLine) + "group " + to_hex(group) + "\ntoken " + token + "\n");
  NAE_TRY(note.reached(Step::directory));
  return note;
}

Result<void> Unfinished::reached(Step step) {
  return replace_file(file_, as_bytes(head_ + "step " + std::string(name(step)) + "\n"),
                      S_IRUSR | S_IWUSR);
}

Result<void> Unfinished::finish() {
  return remove_note(file_);
}

Result<void> forget_finished(const fs::path& directory) {
  std::error_code error;
  if (!fs::exists(directory / kConfiguration, error) || !fs::exists(directory / kNote, error))
    return {};
  return remove_note(directory / kNote);
}

Result<void> remove_made(const fs::path& directory) {
  std::error_code error, ignored;
  for (const auto& entry : fs::directory_iterator(directory, error))
    if (entry.path().filename() != kNote && is_made(entry.path().filename().string()))
      fs::remove_all(entry.path(), ignored);
  const auto cannot = [&] {
    return fail(Code::file_failed, "what was made in " + directory.string() + " cannot be removed");
  };
  if (error) return cannot();
  for (const auto& entry : fs::directory_iterator(directory, error))
    if (entry.path().filename() != kNote) return cannot();
  if (error) return cannot();
  return remove_note(directory / kNote);
}

Result<std::optional<LeftBehind>> find_left_behind(const fs::path& directory) {
  const fs::path file = directory / kNote;
  std::error_code error;
  if (holds_only_a_first_note(directory)) return std::optional(LeftBehind());
  if (!fs::exists(file, error) || fs::exists(directory / kConfiguration, error))
    return std::optional<LeftBehind>();
  NAE_ASSIGN(const std::string text, read_file(file, kMaxNoteBytes));
  std::string_view rest = text;
  if (!rest.starts_with(kFirstLine)) return no_note(file);
  rest.remove_prefix(kFirstLine.size());
  const auto group = take_line(rest, "group");
  const auto token = take_line(rest, "token");
  const auto step = take_line(rest, "step");
  const auto id = from_hex(group.value_or(""));
  const auto known = std::ranges::find(kSteps, step.value_or(""));
  if (!token || !id || id->size() != custody::kGroupIdBytes || known == kSteps.end() ||
      !rest.empty())
    return no_note(file);
  LeftBehind left;
  left.step = static_cast<Step>(known - kSteps.begin());
  std::ranges::copy(*id, left.group.begin());
  left.token = *token;
  return std::optional(left);
}

Result<void> take_back(const fs::path& directory, const LeftBehind& left, const hsm::Options& hsm) {
  std::error_code error;
  if (left.step == Step::configuration)
    return fail(Code::conflict,
                "an initialisation came to its last step in " + directory.string() +
                    ": the server there may be whole and in use",
                "Put its nae-keyserver.toml back. If it never had one, write 'custody' for "
                "'configuration' in init.unfinished, and run init again.");
  for (const auto& entry : fs::directory_iterator(directory, error))
    if (!is_made(entry.path().filename().string()))
      return fail(
          Code::conflict,
          "an initialisation was interrupted here, and " + entry.path().string() + " is not of it",
          "Move it elsewhere, and run init again.");
  if (!left.token.empty() && left.step >= Step::keys) {
    if (left.token != hsm.token_label)
      return fail(Code::conflict,
                  "an initialisation for the token '" + left.token +
                      "' was interrupted here; its keys may be on that token",
                  "Run init again with the module, token and PIN of the first time.");
    NAE_TRY(hsm::remove_group(hsm, left.group));
  }
  return remove_made(directory);
}

}  // namespace nae::setup

#include "libnae/base/written_beside.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

namespace nae {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kNew = ".new";

bool is_number(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](char digit) { return digit >= '0' && digit <= '9'; });
}

// "PID-ATTEMPT.new" behind ".NAME."
bool is_written_for(std::string_view name, const std::string& file) {
  const std::string begins = "." + file + ".";
  if (!name.starts_with(begins) || !name.ends_with(kNew)) return false;
  name.remove_prefix(begins.size());
  if (name.size() < kNew.size()) return false;
  name.remove_suffix(kNew.size());
  const std::size_t dash = name.find('-');
  return dash != std::string_view::npos && is_number(name.substr(0, dash)) &&
         is_number(name.substr(dash + 1));
}

}  // namespace

bool is_named(int descriptor, const fs::path& name) {
  struct stat open {
  }, there{};
  return ::fstat(descriptor, &open) == 0 && ::lstat(name.c_str(), &there) == 0 &&
         open.st_dev == there.st_dev && open.st_ino == there.st_ino;
}

bool lock_written(int descriptor) {
  return ::flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
}

bool nobody_writes(int left) {
  return ::flock(left, LOCK_EX | LOCK_NB) == 0;
}

bool close_another(int descriptor) {
  const int second = ::fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
  return second >= 0 && ::close(second) == 0;
}

fs::path name_beside(const fs::path& file, long process, int attempt) {
  return file.parent_path() / ("." + file.filename().string() + "." + std::to_string(process) +
                               "-" + std::to_string(attempt) + std::string(kNew));
}

void remove_left_beside(const fs::path& file) {
  const fs::path directory = file.has_parent_path() ? file.parent_path() : fs::path(".");
  const std::string name = file.filename().string();
  std::error_code error;
  for (fs::directory_iterator entry(directory, error); !error && entry != fs::directory_iterator();
       entry.increment(error)) {
    if (!is_written_for(entry->path().filename().string(), name)) continue;
    const int left = ::open(entry->path().c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (left < 0) continue;
    if (nobody_writes(left) && is_named(left, entry->path())) ::unlink(entry->path().c_str());
    ::close(left);
  }
}

}  // namespace nae

#include "libnae/base/file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "libnae/base/rename.hpp"
#include "libnae/base/written_beside.hpp"

namespace nae {
namespace {

using Path = std::filesystem::path;

constexpr int kTries = 16;  // of a name that is not taken

tl::unexpected<Error> failed(const char* what, const Path& file) {
  return fail(Code::file_failed,
              std::string("cannot ") + what + " " + file.string() + ": " + std::strerror(errno));
}

tl::unexpected<Error> taken(const Path& file) {
  return fail(Code::file_failed, file.string() + " exists and is not overwritten",
              "Choose another directory, or move the file away.");
}

}  // namespace

bool name_is_taken(const Path& file) {
  std::error_code error;
  return std::filesystem::exists(std::filesystem::symlink_status(file, error));
}

Result<std::string> read_file(const Path& file, std::size_t max_bytes) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return failed("read", file);
  std::string content(max_bytes + 1, '\0');
  in.read(content.data(), static_cast<std::streamsize>(content.size()));
  if (in.bad()) return failed("read", file);
  content.resize(static_cast<std::size_t>(in.gcount()));
  if (content.size() > max_bytes)
    return fail(Code::file_failed,
                file.string() + " is longer than " + std::to_string(max_bytes) + " bytes",
                "Check that it is the right file.");
  return content;
}

Result<NewFile> NewFile::reserve(const Path& file, unsigned mode, std::size_t room_bytes) {
  remove_left_beside(file);
  for (int attempt = 0; attempt < kTries; ++attempt) {
    const Path beside = name_beside(file, ::getpid(), attempt);
    const int descriptor =
        ::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (descriptor < 0 && errno == EEXIST) continue;
    if (descriptor < 0) return failed("create", file);
    // Between the two steps another may have taken it for one that was left.
    if (!lock_written(descriptor) || !is_named(descriptor, beside)) {
      ::close(descriptor);
      continue;
    }
    NewFile made(file, beside, descriptor);
    const int refused =
        room_bytes == 0 ? 0 : ::posix_fallocate(descriptor, 0, static_cast<off_t>(room_bytes));
    // Some file systems cannot reserve.
    if (refused == 0 || refused == EOPNOTSUPP || refused == EINVAL) return made;
    errno = refused;
    return failed("write", file);
  }
  errno = EEXIST;
  return failed("create", file);
}

NewFile::NewFile(NewFile&& other) noexcept
    : file_(std::move(other.file_)),
      beside_(std::exchange(other.beside_, {})),
      descriptor_(std::exchange(other.descriptor_, -1)),
      is_durable_(other.is_durable_) {}

NewFile::~NewFile() {
  if (!beside_.empty() && is_named(descriptor_, beside_)) ::unlink(beside_.c_str());
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<void> NewFile::hold(ByteView content) {
  for (std::size_t at = 0; at < content.size();) {
    const ssize_t part = ::write(descriptor_, content.data() + at, content.size() - at);
    if (part < 0 && errno == EINTR) continue;
    if (part <= 0) return failed("write", file_);
    at += static_cast<std::size_t>(part);
  }
  if (::ftruncate(descriptor_, static_cast<off_t>(content.size())) != 0 ||
      ::fsync(descriptor_) != 0 || !close_another(descriptor_))
    return failed("write", file_);
  return {};
}

Result<void> NewFile::check_beside() const {
  if (is_named(descriptor_, beside_)) return {};
  return fail(Code::file_failed, "another has written " + beside_.string() + " meanwhile",
              "Try again: " + file_.string() + " is as it was.");
}

Result<void> NewFile::write(ByteView content) {
  NAE_TRY(hold(content));
  NAE_TRY(check_beside());
  if (!rename_to_new(beside_, file_))
    return errno == EEXIST ? taken(file_) : failed("create", file_);
  beside_.clear();
  is_durable_ = flush_directory_of(file_);
  return {};
}

Result<void> NewFile::replace(ByteView content) {
  NAE_TRY(hold(content));
  return replace();
}

Result<void> NewFile::replace() {
  NAE_TRY(check_beside());
  if (::rename(beside_.c_str(), file_.c_str()) != 0) return failed("replace", file_);
  beside_.clear();
  is_durable_ = flush_directory_of(file_);
  return {};
}

Result<void> write_new_file(const Path& file, ByteView content, unsigned mode) {
  if (name_is_taken(file)) return taken(file);
  NAE_ASSIGN(NewFile made, NewFile::reserve(file, mode));
  return made.write(content);
}

Result<void> replace_file(const Path& file, ByteView content, unsigned mode) {
  NAE_ASSIGN(NewFile made, NewFile::reserve(file, mode));
  return made.replace(content);
}

}  // namespace nae

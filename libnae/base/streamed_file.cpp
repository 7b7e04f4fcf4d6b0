#include "libnae/base/streamed_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "libnae/base/file.hpp"
#include "libnae/base/rename.hpp"
#include "libnae/base/written_beside.hpp"

namespace nae {
namespace {

tl::unexpected<Error> stream_failed(const std::filesystem::path& file) {
  return fail(Code::file_failed, "cannot write " + file.string() + ": " + std::strerror(errno));
}

tl::unexpected<Error> name_taken(const std::filesystem::path& file) {
  return fail(Code::file_failed, file.string() + " exists and is not overwritten",
              "Choose another name, or move the file away.");
}

constexpr int kPartTries = 10;

// What a kill left. False when it is or may be being written: its writer has it locked.
bool remove_left(const std::filesystem::path& beside) {
  const int left = ::open(beside.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  // A link, or nothing to be written: the name is removed, and not what it leads to.
  if (left < 0) return ::unlink(beside.c_str()) == 0 || errno == ENOENT;
  const bool is_left = nobody_writes(left);
  if (is_left && is_named(left, beside)) ::unlink(beside.c_str());
  ::close(left);
  return is_left;
}

}  // namespace

std::filesystem::path StreamedFile::part_of(const std::filesystem::path& file) {
  return file.parent_path() / ("." + file.filename().string() + ".part");
}

Result<StreamedFile> StreamedFile::create(const std::filesystem::path& file, unsigned mode) {
  if (name_is_taken(file)) return name_taken(file);
  const auto beside = part_of(file);
  for (int attempt = 0; attempt < kPartTries; ++attempt) {
    // Never into a file that is there: another hand may hold it open, or have made it a link.
    const int descriptor =
        ::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (descriptor < 0 && errno != EEXIST) return stream_failed(file);
    if (descriptor < 0) {
      if (remove_left(beside)) continue;
      return fail(
          Code::file_failed, file.string() + " is being written at this moment",
          "Choose another name, or wait for the other one. If there is none, this file system "
          "keeps no locks: remove " +
              beside.string() + " by hand.");
    }
    // Between the two steps another may have taken it for one that was left.
    if (lock_written(descriptor) && is_named(descriptor, beside))
      return StreamedFile(file, beside, descriptor);
    ::close(descriptor);
  }
  errno = EEXIST;
  return stream_failed(beside);
}

bool StreamedFile::is_beside() const {
  return !beside_.empty() && descriptor_ >= 0 && is_named(descriptor_, beside_);
}

StreamedFile::StreamedFile(StreamedFile&& other) noexcept
    : file_(std::move(other.file_)),
      beside_(std::exchange(other.beside_, {})),
      descriptor_(std::exchange(other.descriptor_, -1)) {}

StreamedFile::~StreamedFile() {
  if (is_beside()) ::unlink(beside_.c_str());
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<void> StreamedFile::append(ByteView piece) {
  for (std::size_t at = 0; at < piece.size();) {
    const ssize_t part = ::write(descriptor_, piece.data() + at, piece.size() - at);
    if (part < 0 && errno == EINTR) continue;
    if (part <= 0) return stream_failed(file_);
    at += static_cast<std::size_t>(part);
  }
  return {};
}

Result<void> StreamedFile::flush() {
  if (::fsync(descriptor_) != 0) return stream_failed(file_);
  if (!close_another(descriptor_)) return stream_failed(file_);
  return {};
}

Result<void> StreamedFile::publish() {
  NAE_TRY(flush());
  if (!is_beside())
    return fail(Code::file_failed, "another has written " + beside_.string() + " meanwhile",
                "Try again, under another name.");
  if (!rename_to_new(beside_, file_))
    return errno == EEXIST ? name_taken(file_) : stream_failed(file_);
  beside_.clear();
  static_cast<void>(flush_directory_of(file_));
  return {};
}

}  // namespace nae

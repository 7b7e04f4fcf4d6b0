#include "libnae/base/streamed_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "libnae/base/file.hpp"
#include "libnae/base/rename.hpp"

namespace nae {
namespace {

tl::unexpected<Error> stream_failed(const std::filesystem::path& file) {
  return fail(Code::file_failed, "cannot write " + file.string() + ": " + std::strerror(errno));
}

tl::unexpected<Error> name_taken(const std::filesystem::path& file) {
  return fail(Code::file_failed, file.string() + " exists and is not overwritten",
              "Choose another name, or move the file away.");
}

}  // namespace

Result<StreamedFile> StreamedFile::create(const std::filesystem::path& file, unsigned mode) {
  if (name_is_taken(file)) return name_taken(file);
  const auto beside = file.parent_path() / ("." + file.filename().string() + ".part");
  // Never into a file that is there: another hand may hold it open, or have made it a link.
  ::unlink(beside.c_str());
  const int descriptor =
      ::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
  if (descriptor < 0) return stream_failed(file);
  return StreamedFile(file, beside, descriptor);
}

StreamedFile::StreamedFile(StreamedFile&& other) noexcept
    : file_(std::move(other.file_)),
      beside_(std::exchange(other.beside_, {})),
      descriptor_(std::exchange(other.descriptor_, -1)) {}

StreamedFile::~StreamedFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!beside_.empty()) ::unlink(beside_.c_str());
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
  // Network file systems tell of a full disk only here.
  if (::close(std::exchange(descriptor_, -1)) != 0) return stream_failed(file_);
  return {};
}

Result<void> StreamedFile::publish() {
  if (descriptor_ >= 0) NAE_TRY(flush());
  if (!rename_to_new(beside_, file_))
    return errno == EEXIST ? name_taken(file_) : stream_failed(file_);
  beside_.clear();
  flush_directory_of(file_);
  return {};
}

}  // namespace nae

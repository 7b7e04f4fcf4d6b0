#include "keyserver/audit/file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "keyserver/audit/chain.hpp"

namespace nae::audit {
namespace {

constexpr std::size_t kReadBytes = 256u << 10;
static_assert(kReadBytes >= 2 * kMaxLineBytes);

// Code::file_failed: a reader's trouble is not the writer's.
tl::unexpected<Error> read_failure(const std::filesystem::path& path, int error_number) {
  return fail(Code::file_failed,
              "cannot read " + path.string() + ": " + std::strerror(error_number));
}

Result<std::size_t> read_some(const File& file, char* out, std::size_t size,
                              const std::filesystem::path& path) {
  while (true) {
    ssize_t got = ::read(file.descriptor(), out, size);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) return read_failure(path, errno);
  }
}

Result<SharedFile> open_for_reading(const std::filesystem::path& path) {
  int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return read_failure(path, errno);
  return std::make_shared<const File>(descriptor);
}

}  // namespace

File::~File() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

tl::unexpected<Error> system_failure(std::string_view what, const std::filesystem::path& path,
                                     int error_number) {
  return fail(Code::audit_unavailable, "audit log: cannot " + std::string(what) + " " +
                                           path.string() + ": " + std::strerror(error_number));
}

Result<SharedFile> open_file(const std::filesystem::path& path, int flags) {
  int descriptor = ::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (descriptor < 0) return system_failure("open", path, errno);
  return std::make_shared<const File>(descriptor);
}

Result<void> write_all(const File& file, std::string_view bytes,
                       const std::filesystem::path& path) {
  while (!bytes.empty()) {
    ssize_t written = ::write(file.descriptor(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return system_failure("write", path, written < 0 ? errno : ENOSPC);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<void> sync_data(const File& file, const std::filesystem::path& path) {
  if (::fdatasync(file.descriptor()) != 0) return system_failure("make durable", path, errno);
  return {};
}

Result<void> sync_directory(const std::filesystem::path& directory) {
  NAE_ASSIGN(SharedFile file, open_file(directory, O_RDONLY | O_DIRECTORY));
  if (::fsync(file->descriptor()) != 0) return system_failure("make durable", directory, errno);
  return {};
}

Result<std::string> read_small_file(const std::filesystem::path& path, std::size_t max_bytes) {
  NAE_ASSIGN(SharedFile file, open_for_reading(path));
  std::string text(max_bytes + 1, '\0');
  std::size_t used = 0;
  while (used < text.size()) {
    NAE_ASSIGN(std::size_t got, read_some(*file, text.data() + used, text.size() - used, path));
    if (got == 0) break;
    used += got;
  }
  if (used > max_bytes) return fail(Code::audit_broken, path.string() + " is too long");
  text.resize(used);
  return text;
}

Result<std::vector<Segment>> list_segments(const std::filesystem::path& directory) {
  std::vector<Segment> segments;
  std::error_code error;
  std::filesystem::directory_iterator entry(directory, error), end;
  for (; !error && entry != end; entry.increment(error))
    if (auto seq = first_seq_of_segment(entry->path().filename().string()))
      segments.push_back({entry->path(), *seq});
  if (error) return read_failure(directory, error.value());
  std::ranges::sort(segments, {}, &Segment::first_seq);
  return segments;
}

Result<void> read_lines(const std::filesystem::path& path,
                        const std::function<bool(const RawLine&)>& visit, std::uint64_t start) {
  NAE_ASSIGN(SharedFile file, open_for_reading(path));
  if (start != 0 && ::lseek(file->descriptor(), static_cast<off_t>(start), SEEK_SET) < 0)
    return read_failure(path, errno);
  std::string chunk(kReadBytes, '\0');
  std::string open_line;              // what the chunks before hold of it, cut at the limit
  std::uint64_t open_line_bytes = 0;  // how long it really is
  auto keep = [&](std::string_view part) {
    open_line += part.substr(0, kMaxLineBytes - open_line.size());
    open_line_bytes += part.size();
  };
  RawLine line;
  line.end = start;
  while (true) {
    NAE_ASSIGN(std::size_t got, read_some(*file, chunk.data(), chunk.size(), path));
    if (got == 0) break;
    std::string_view rest(chunk.data(), got);
    for (std::size_t length; (length = rest.find('\n')) != std::string_view::npos;) {
      line.text = rest.substr(0, std::min(length, kMaxLineBytes));
      if (open_line_bytes != 0) {
        keep(rest.substr(0, length));
        line.text = open_line;
        length = open_line_bytes;
      }
      ++line.number;
      line.end += length + 1;
      line.ended = true;
      if (!visit(line)) return {};
      rest.remove_prefix(rest.find('\n') + 1);
      open_line.clear();
      open_line_bytes = 0;
    }
    keep(rest);
  }
  if (open_line_bytes == 0) return {};
  visit({open_line, line.number + 1, line.end + open_line_bytes, false});
  return {};
}

}  // namespace nae::audit

// Files of the log: owned descriptors, whole writes, reading line by line.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "libnae/base/result.hpp"

namespace nae::audit {

// An open descriptor. Shared, because a segment may be made durable by one thread while another
// already writes the next one.
class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  ~File();
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};
using SharedFile = std::shared_ptr<const File>;

// Code::audit_unavailable with the path and errno's words.
tl::unexpected<Error> system_failure(std::string_view what, const std::filesystem::path& path,
                                     int error_number);

// As open(2), O_CLOEXEC and O_NOFOLLOW added, mode 0600.
Result<SharedFile> open_file(const std::filesystem::path& path, int flags);

// All of it, going on after short writes; fails with errno's words.
Result<void> write_all(const File& file, std::string_view bytes, const std::filesystem::path& path);

Result<void> sync_data(const File& file, const std::filesystem::path& path);
Result<void> sync_directory(const std::filesystem::path& directory);

// At most `max_bytes` of a file. Code::audit_broken when it is longer.
Result<std::string> read_small_file(const std::filesystem::path& path, std::size_t max_bytes);

struct Segment {
  std::filesystem::path path;
  std::uint64_t first_seq = 0;
};
// The segments of a directory in order of their first sequence number.
Result<std::vector<Segment>> list_segments(const std::filesystem::path& directory);

// One line of a segment as it stands there.
struct RawLine {
  std::string_view text;     // without the newline; at most kMaxLineBytes of an overlong one
  std::uint64_t number = 0;  // from 1, at the start of the reading
  std::uint64_t end = 0;     // offset after it
  bool ended = false;        // by a newline
};
// Calls `visit` for each line from offset `start` on, the start of a line, until it answers false.
// Memory stays bounded whatever the file holds.
Result<void> read_lines(const std::filesystem::path& path,
                        const std::function<bool(const RawLine&)>& visit, std::uint64_t start = 0);

}  // namespace nae::audit

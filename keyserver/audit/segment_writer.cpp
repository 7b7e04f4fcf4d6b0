#include "keyserver/audit/segment_writer.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "keyserver/audit/chain.hpp"

namespace nae::audit {

Result<void> SegmentWriter::take_up(const Tail& tail) {
  SharedFile file;
  if (!tail.segment.empty()) {
    NAE_ASSIGN(file, open_file(tail.segment, O_WRONLY | O_APPEND));
  }
  file_ = std::move(file);
  path_ = tail.segment;
  bytes_ = tail.bytes;
  unfinished_ = 0;
  stillborn_.clear();
  earlier_.clear();
  return {};
}

// After a failed write the start of a line may stand in the file. It is removed before anything
// else is written; as long as that fails the log is refused.
Result<void> SegmentWriter::undo_unfinished() {
  if (unfinished_ != 0) {
    if (::ftruncate(file_->descriptor(), static_cast<off_t>(bytes_)) != 0)
      return system_failure("truncate", path_, errno);
    unfinished_ = 0;
  }
  if (!stillborn_.empty()) {
    if (::unlink(stillborn_.c_str()) != 0 && errno != ENOENT)
      return system_failure("remove", stillborn_, errno);
    stillborn_.clear();
  }
  return {};
}

Result<void> SegmentWriter::append(std::string_view lines) {
  NAE_TRY(undo_unfinished());
  if (auto written = write_all(*file_, lines, path_); !written) {
    unfinished_ = lines.size();
    static_cast<void>(undo_unfinished());  // tried again before the next write
    return written;
  }
  bytes_ += lines.size();
  return {};
}

Result<void> SegmentWriter::begin_segment(std::uint64_t first_seq, std::string_view lines) {
  NAE_TRY(undo_unfinished());
  std::filesystem::path path = directory_ / segment_name(first_seq);
  NAE_ASSIGN(SharedFile file, open_file(path, O_CREAT | O_EXCL | O_WRONLY | O_APPEND));
  auto written = write_all(*file, lines, path);
  if (written) written = sync_directory(directory_);
  if (!written) {
    stillborn_ = path;
    static_cast<void>(undo_unfinished());
    return written;
  }
  if (file_) earlier_.push_back(std::move(file_));
  file_ = std::move(file);
  path_ = std::move(path);
  bytes_ = lines.size();
  return {};
}

std::vector<SharedFile> SegmentWriter::not_durable() const {
  std::vector<SharedFile> files = earlier_;
  if (file_) files.push_back(file_);
  return files;
}

void SegmentWriter::forget_durable(const std::vector<SharedFile>& files) {
  std::erase_if(earlier_, [&](const SharedFile& file) {
    return std::ranges::find(files, file) != files.end();
  });
}

// A cut file would be made longer by undo_unfinished(), hence the bounds while a write is to undo.
Result<void> SegmentWriter::check_unchanged() const {
  if (!file_) return {};
  const std::string name = path_.filename().string();
  struct stat open {
  }, named{};
  if (::lstat(path_.c_str(), &named) != 0)
    return fail(Code::audit_broken, "audit log: " + name + " was deleted or moved while in use");
  if (::fstat(file_->descriptor(), &open) != 0 || open.st_dev != named.st_dev ||
      open.st_ino != named.st_ino)
    return fail(Code::audit_broken, "audit log: another file was put in the place of " + name);
  const auto found = static_cast<std::uint64_t>(open.st_size);
  if (found < bytes_ || found > bytes_ + unfinished_)
    return fail(Code::audit_broken, "audit log: " + name + " was changed while in use: it has " +
                                        std::to_string(found) + " bytes, " +
                                        std::to_string(bytes_) + " were written");
  return {};
}

}  // namespace nae::audit

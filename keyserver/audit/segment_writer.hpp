// Appends lines to the newest segment: all of them or none. Not thread-safe; the log locks.
#pragma once

#include <filesystem>
#include <vector>

#include "keyserver/audit/file.hpp"
#include "keyserver/audit/tail.hpp"

namespace nae::audit {

class SegmentWriter {
 public:
  SegmentWriter(std::filesystem::path directory, std::uint64_t segment_bytes)
      : directory_(std::move(directory)), segment_bytes_(segment_bytes) {}

  // Continues after `tail`.
  Result<void> take_up(const Tail& tail);

  // True when the next lines begin a new segment: the first of them must be its segment record.
  bool wants_new_segment() const { return !file_ || bytes_ >= segment_bytes_; }
  Result<void> begin_segment(std::uint64_t first_seq, std::string_view lines);
  Result<void> append(std::string_view lines);

  // The files with lines that may not be durable yet. forget_durable() drops those that are done.
  std::vector<SharedFile> not_durable() const;
  void forget_durable(const std::vector<SharedFile>& files);

  // Whether the segment is the file that was written, and as long as it was left: what another hand
  // moved, cut or added to must not be written on. Code::audit_broken with what was found.
  Result<void> check_unchanged() const;
  std::uint64_t bytes() const { return bytes_; }

 private:
  Result<void> undo_unfinished();

  std::filesystem::path directory_;
  std::uint64_t segment_bytes_;
  SharedFile file_;
  std::filesystem::path path_;
  std::uint64_t bytes_ = 0;          // complete lines in file_
  std::uint64_t unfinished_ = 0;     // of a failed write: up to so many more may stand in the file
  std::filesystem::path stillborn_;  // a new segment that could neither be written nor removed
  std::vector<SharedFile> earlier_;  // segments left behind before they were durable
};

}  // namespace nae::audit

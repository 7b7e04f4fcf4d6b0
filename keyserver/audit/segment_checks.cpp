#include "keyserver/audit/segment_checks.hpp"

#include <algorithm>

#include "keyserver/audit/file.hpp"
#include "keyserver/audit/verify.hpp"

namespace nae::audit {
namespace {

constexpr std::int64_t kCheckAgainUs = std::int64_t{86'400} * 1'000'000;  // media decay, too

// The end of a segment may be signed by a later head alone: then nothing but its chain is proved.
std::string problem_of(const VerifyReport& report) {
  const auto found = std::ranges::find_if(
      report.findings, [](const Finding& finding) { return finding.fault != Fault::head_missing; });
  if (found == report.findings.end()) return {};
  std::string text(name(found->fault));
  if (found->line != 0) text += " in line " + std::to_string(found->line);
  return text + ": " + found->explanation;
}

}  // namespace

// Closed segments whose turn it is, and forgets those that are not here any more.
Result<std::vector<std::pair<std::filesystem::path, SegmentChecks::File>>> SegmentChecks::due(
    std::int64_t now_us) {
  NAE_ASSIGN(std::vector<Segment> segments, list_segments(directory_));
  if (!segments.empty()) segments.pop_back();  // it is being written
  std::vector<std::pair<std::filesystem::path, File>> found;
  std::map<std::string, Checked> still_here;
  std::lock_guard lock(mutex_);
  for (const Segment& segment : segments) {
    std::error_code error;
    const File file{std::filesystem::file_size(segment.path, error),
                    std::filesystem::last_write_time(segment.path, error)};
    if (error) continue;  // archived meanwhile
    const auto known = checked_.find(segment.path.filename().string());
    if (known != checked_.end()) still_here.insert(*known);
    if (known == checked_.end() || known->second.file != file ||
        now_us - known->second.at_us >= kCheckAgainUs)
      found.emplace_back(segment.path, file);
  }
  checked_ = std::move(still_here);
  return found;
}

Result<void> SegmentChecks::check(const std::filesystem::path& segment, const File& file,
                                  std::int64_t now_us) {
  NAE_ASSIGN(VerifyReport report, verify_segment(segment, public_key_pem_));
  std::lock_guard lock(mutex_);
  checked_[segment.filename().string()] = {file, now_us, problem_of(report)};
  return {};
}

Result<std::vector<DamagedSegment>> SegmentChecks::check_all(std::int64_t now_us) {
  NAE_ASSIGN(auto segments, due(now_us));
  for (const auto& [path, file] : segments) NAE_TRY(check(path, file, now_us));
  return damaged();
}

Result<bool> SegmentChecks::check_next(std::int64_t now_us) {
  NAE_ASSIGN(auto segments, due(now_us));
  if (segments.empty()) return false;
  NAE_TRY(check(segments.front().first, segments.front().second, now_us));
  return true;
}

std::vector<DamagedSegment> SegmentChecks::damaged() const {
  std::lock_guard lock(mutex_);
  std::vector<DamagedSegment> damaged;
  for (const auto& [file, checked] : checked_)
    if (!checked.problem.empty()) damaged.push_back({file, checked.problem});
  return damaged;
}

}  // namespace nae::audit

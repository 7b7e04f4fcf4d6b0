#include "keyserver/audit/verify.hpp"

#include <algorithm>

#include "keyserver/audit/archive.hpp"
#include "keyserver/audit/directory_lock.hpp"
#include "keyserver/audit/file.hpp"
#include "keyserver/audit/hash_tree.hpp"
#include "keyserver/audit/query.hpp"

namespace nae::audit {
namespace {

std::string record_range(std::uint64_t first, std::uint64_t last) {
  if (first == last) return "record " + std::to_string(first);
  return "records " + std::to_string(first) + " to " + std::to_string(last);
}

// The time of a segment's first record, which says when the segment began.
Result<std::optional<std::int64_t>> began_at(const Segment& segment) {
  std::optional<std::int64_t> time_us;
  NAE_TRY(read_lines(segment.path, [&](const RawLine& raw) {
    if (auto record = parse_record(raw.text)) time_us = record->time_us;
    return false;
  }));
  return time_us;
}

// Those that hold the scope, and the ones after it up to a signed end.
Result<std::vector<Segment>> segments_of(const std::filesystem::path& directory,
                                         std::vector<Segment> all, const VerifyScope& scope) {
  std::size_t first = 0, last = all.size();
  for (std::size_t i = 0; i < all.size(); ++i) {
    NAE_ASSIGN(std::optional<std::int64_t> began_us, began_at(all[i]));
    const bool before_first = (scope.from_seq && all[i].first_seq <= *scope.from_seq) ||
                              (scope.from_us && began_us && *began_us <= *scope.from_us);
    const bool behind_last = (scope.to_seq && all[i].first_seq > *scope.to_seq) ||
                             (scope.to_us && began_us && *began_us >= *scope.to_us);
    if (before_first) first = i;
    if (behind_last && i < last) last = i;
  }
  if (first >= last || all.empty() || (scope.from_seq && *scope.from_seq < all[first].first_seq))
    return fail(Code::not_found, "no segment here holds these records");
  auto is_signed = [&](const Segment& segment) {
    std::error_code error;
    return std::filesystem::exists(directory / segment_head_name(segment.first_seq), error);
  };
  while (last < all.size() && !is_signed(all[last - 1])) ++last;
  all.resize(last);
  all.erase(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(first));
  return all;
}

constexpr std::uint64_t kToldLines = 4096;

std::uint64_t bytes_of(const Segment& segment) {
  std::error_code error;
  const std::uintmax_t bytes = std::filesystem::file_size(segment.path, error);
  return error ? 0 : bytes;  // whoever reads it says what is wrong
}

// Walks the segments and goes on after a finding, so that one report shows everything.
class Verifier {
 public:
  Verifier(const std::filesystem::path& directory, std::string_view public_key_pem,
           VerifyProgress progress = {})
      : directory_(directory), public_key_pem_(public_key_pem), progress_(std::move(progress)) {}

  Result<VerifyReport> run(const VerifyScope& scope);
  Result<VerifyReport> run_alone(const Segment& segment);

 private:
  Result<void> check_segment(const Segment& segment, bool may_grow);
  Result<void> begin_segment(const Segment& segment);
  void check_end_of_segment();
  void check_against(const Head& head, const Line& line);
  void check_line(const Segment& segment, const RawLine& raw);
  void check_start_of_segment(const Segment& segment, const Line& line);
  bool check_sequence(const Line& line);
  void check_hash(const Line& line);
  void check_head_reached();
  Result<void> read_mark();
  void check_first_of_all(const Line& line, const Hash& previous);
  void check_against_mark(const Line& line);
  Result<std::optional<Head>> read_signed_head(const std::filesystem::path& file);
  Result<bool> has_good_signature(const Head& head);
  void find(Fault fault, std::uint64_t seq, std::string explanation);
  bool tell(std::uint64_t bytes_of_segment) const;

  const std::filesystem::path& directory_;
  std::string_view public_key_pem_;
  const VerifyProgress progress_;
  std::uint64_t bytes_before_ = 0, bytes_total_ = 0;  // of the segments before, and of all
  bool from_its_beginning_ = true;   // records before the first segment would be missed
  std::optional<ArchiveMark> mark_;  // whose signature is not wrong
  VerifyReport report_;
  std::string file_;        // where we are
  std::uint64_t line_ = 0;  // 0: about the whole file
  // The newest record so far. After a malformed line its hash is not known.
  std::uint64_t newest_ = 0;
  std::optional<Hash> stored_;
  // What the newest record's hash should have been: when only the hash was changed, the next
  // record still fits this one, and is not blamed.
  std::optional<Hash> computed_;
  bool any_record_ = false;
  // Of the segment at hand: the head beside it and the tree over its records.
  std::optional<Head> segment_head_;
  bool segment_signed_ = false;  // and its signature is good
  HashTree tree_;
  std::uint64_t findings_before_ = 0;  // where something is wrong already, so is the tree
};

Result<VerifyReport> Verifier::run(const VerifyScope& scope) {
  // The head first: a server may append meanwhile, and a head read last could be newer than the
  // records read before.
  NAE_ASSIGN(report_.head, read_signed_head(directory_ / kHeadFile));
  if (report_.head && !public_key_pem_.empty()) {
    NAE_ASSIGN(report_.signature_checked, has_good_signature(*report_.head));
  }
  NAE_ASSIGN(std::vector<Segment> segments, list_segments(directory_));
  const std::uint64_t newest = segments.empty() ? 0 : segments.back().first_seq;
  if (!scope.whole()) {
    NAE_ASSIGN(segments, segments_of(directory_, std::move(segments), scope));
    from_its_beginning_ = segments.front().first_seq == 1;
  }
  NAE_TRY(read_mark());
  for (const Segment& segment : segments) bytes_total_ += bytes_of(segment);
  for (const Segment& segment : segments)
    NAE_TRY(check_segment(segment, segment.first_seq == newest && is_locked(directory_)));
  if (scope.from_seq && report_.last.seq < *scope.from_seq && report_.findings_total == 0)
    return fail(Code::not_found, "the log ends before record " + std::to_string(*scope.from_seq));
  const bool to_its_end = segments.empty() || segments.back().first_seq == newest;
  if (to_its_end && mark_ && mark_->point.seq >= newest_) {
    file_ = kArchiveFile;
    line_ = 0;
    find(Fault::archive_mark_wrong, mark_->point.seq, "the mark is of a longer log than this one");
  }
  if (to_its_end) {
    check_head_reached();
  } else {
    report_.head = segment_head_;
    report_.signature_checked = segment_signed_;
    if (!segment_head_) find(Fault::head_missing, 0, "nothing signs the end of this segment");
  }
  return std::move(report_);
}

Result<VerifyReport> Verifier::run_alone(const Segment& segment) {
  from_its_beginning_ = false;
  NAE_TRY(check_segment(segment, false));
  report_.head = segment_head_;
  report_.signature_checked = segment_signed_;
  if (!segment_head_) {
    line_ = 0;
    if (report_.findings_total == 0)
      find(Fault::head_missing, 0,
           segment_head_name(segment.first_seq) + " does not lie beside it: its end is not proved");
  }
  return std::move(report_);
}

Result<void> Verifier::check_segment(const Segment& segment, bool may_grow) {
  NAE_TRY(begin_segment(segment));
  ++report_.segments;
  std::uint64_t end = 0;
  bool goes_on = true;
  NAE_TRY(read_lines(segment.path, [&](const RawLine& raw) {
    line_ = raw.number;
    end = raw.end;
    if (line_ % kToldLines == 0 && !tell(end)) return goes_on = false;
    if (raw.ended)
      check_line(segment, raw);
    else if (!may_grow)
      find(Fault::tail_torn, 0, "the line has no end: cut off by a crash or by a hand");
    return true;
  }));
  if (!goes_on || !tell(end))
    return fail(Code::shutting_down, "the proof was given up before its end");
  bytes_before_ += end;
  check_end_of_segment();
  return {};
}

// Whether to go on.
bool Verifier::tell(std::uint64_t bytes_of_segment) const {
  return !progress_ || progress_(bytes_before_ + bytes_of_segment, bytes_total_);
}

Result<void> Verifier::begin_segment(const Segment& segment) {
  tree_ = {};
  line_ = 0;
  findings_before_ = report_.findings_total;
  const std::filesystem::path head_file =
      segment.path.parent_path() / segment_head_name(segment.first_seq);
  NAE_ASSIGN(segment_head_, read_signed_head(head_file));
  bool good = segment_head_.has_value();
  if (good && !public_key_pem_.empty()) {
    NAE_ASSIGN(good, has_good_signature(*segment_head_));
  }
  if (good) ++report_.signed_segments;
  segment_signed_ = good && !public_key_pem_.empty();
  file_ = segment.path.filename().string();
  return {};
}

// A closed segment ends with the record that its head signs.
void Verifier::check_end_of_segment() {
  if (!segment_head_) return;
  line_ = 0;
  const std::uint64_t signed_seq = segment_head_->point.seq;
  if (signed_seq > newest_)
    find(Fault::tail_missing, signed_seq,
         record_range(newest_ + 1, signed_seq) + " of this segment were signed for and are gone");
  else if (signed_seq < newest_)
    find(Fault::head_mismatch, newest_, "the segment goes on behind its signed end");
}

Result<std::optional<Head>> Verifier::read_signed_head(const std::filesystem::path& file) {
  file_ = file.filename().string();
  auto head = read_head_file(file);
  if (head || head.error().code != Code::audit_broken) return head;
  find(Fault::head_malformed, 0, head.error().message);
  return std::nullopt;
}

Result<bool> Verifier::has_good_signature(const Head& head) {
  NAE_ASSIGN(bool good, is_signed_by(head, public_key_pem_));
  if (!good)
    find(Fault::head_signature_wrong, head.point.seq,
         "the head was not signed by the audit key of this server");
  return good;
}

void Verifier::check_line(const Segment& segment, const RawLine& raw) {
  auto line = split_line(raw.text);
  if (!line) {
    find(Fault::line_malformed, 0, "not a line of an audit log");
    stored_.reset();
    computed_.reset();
    if (any_record_) ++newest_;  // it stood for one record
    return;
  }
  ++report_.records;
  if (raw.number == 1) check_start_of_segment(segment, *line);
  bool in_sequence = check_sequence(*line);
  if (in_sequence) check_hash(*line);
  if (line->seq <= newest_ && any_record_) return;  // misplaced: the chain goes on elsewhere
  if (!any_record_) report_.first = {line->seq, line->hash};
  any_record_ = true;
  newest_ = line->seq;
  stored_ = line->hash;
  report_.last = {line->seq, line->hash};
  tree_.add(line->hash);
  if (mark_) check_against_mark(*line);
  if (report_.head) check_against(*report_.head, *line);
  if (segment_head_) check_against(*segment_head_, *line);
}

void Verifier::check_against(const Head& head, const Line& line) {
  if (line.seq != head.point.seq) return;
  if (line.hash != head.point.hash)
    find(Fault::head_mismatch, line.seq, "another record was here when the head was signed");
  else if (report_.findings_total == findings_before_ && tree_.root() != head.root)
    find(Fault::head_mismatch, line.seq, "the head signs another tree over this segment's records");
}

void Verifier::check_start_of_segment(const Segment& segment, const Line& line) {
  auto previous = previous_of_segment(line);
  if (!previous || line.seq != segment.first_seq) {
    find(Fault::segment_misplaced, line.seq,
         "the segment does not start with the record that its name promises");
    return;
  }
  if (!any_record_) {
    check_first_of_all(line, *previous);
    newest_ = line.seq - 1;
    stored_ = *previous;
    computed_.reset();
  } else if (line.seq == newest_ + 1 && stored_ && *previous != *stored_ &&
             (!computed_ || *previous != *computed_)) {
    find(Fault::segment_misplaced, line.seq, "the segment follows another record than the last");
  }
}

// A mark that is not the audit key's is none: what it says is missing is missing.
Result<void> Verifier::read_mark() {
  file_ = kArchiveFile;
  line_ = 0;
  auto mark = read_archive_mark(directory_);
  if (!mark) {
    if (mark.error().code != Code::audit_broken) return fail(std::move(mark).error());
    find(Fault::archive_mark_wrong, 0, mark.error().message);
    return {};
  }
  bool good = mark->has_value();
  if (good && !public_key_pem_.empty()) {
    NAE_ASSIGN(good, is_signed_by(**mark, public_key_pem_));
    if (!good)
      find(Fault::archive_mark_wrong, (*mark)->point.seq,
           "the mark was not signed by the audit key of this server");
  }
  if (!good) return {};
  mark_ = **mark;
  report_.archived_seq = mark_->point.seq;
  return {};
}

// What stands before it was taken away up to the mark, or is missing. A crash may have left some of
// what was to be taken away.
void Verifier::check_first_of_all(const Line& line, const Hash& previous) {
  const std::uint64_t archived = mark_ ? mark_->point.seq : 0;
  if (line.seq == 1) {
    if (previous != kGenesis)
      find(Fault::segment_misplaced, line.seq, "the first segment does not start a chain");
  } else if (from_its_beginning_ && line.seq > archived + 1) {
    find(Fault::records_missing, archived + 1,
         record_range(archived + 1, line.seq - 1) + " are not in this directory");
  } else if (line.seq == archived + 1 && previous != mark_->point.hash) {
    find(Fault::archive_mark_wrong, archived, "the first segment follows another record");
  }
}

void Verifier::check_against_mark(const Line& line) {
  if (line.seq == mark_->point.seq && line.hash != mark_->point.hash)
    find(Fault::archive_mark_wrong, line.seq, "the mark names another record");
}

// True when the line is the next one, so that its hash can be checked.
bool Verifier::check_sequence(const Line& line) {
  if (!any_record_ && !stored_) {
    newest_ = line.seq - 1;  // the first line was no segment record and is reported already
    return false;
  }
  if (line.seq == newest_ + 1) return true;
  if (line.seq > newest_)
    find(Fault::records_missing, newest_ + 1,
         record_range(newest_ + 1, line.seq - 1) + " should stand before this line");
  else
    find(Fault::records_reordered, line.seq,
         "this record stands after record " + std::to_string(newest_));
  return false;
}

void Verifier::check_hash(const Line& line) {
  if (!stored_) {
    computed_.reset();
    return;
  }
  Hash expected = line_hash(*stored_, line.hashed);
  bool fits = expected == line.hash;
  if (!fits && computed_) fits = line_hash(*computed_, line.hashed) == line.hash;
  if (!fits) find(Fault::line_changed, line.seq, "the record was changed after it was written");
  computed_ = expected;
}

void Verifier::check_head_reached() {
  file_ = kHeadFile;
  line_ = 0;
  if (!report_.head) {
    bool malformed = std::ranges::any_of(report_.findings, [](const Finding& finding) {
      return finding.fault == Fault::head_malformed;
    });
    if (any_record_ && !malformed)
      find(Fault::head_missing, 0, "there is no signed head: a cut tail would not show");
    report_.unsigned_records = report_.records;
    return;
  }
  std::uint64_t signed_seq = report_.head->point.seq;
  if (signed_seq > newest_)
    find(Fault::tail_missing, signed_seq,
         record_range(newest_ + 1, signed_seq) + " were signed for and are gone");
  else
    report_.unsigned_records = newest_ - signed_seq;
}

void Verifier::find(Fault fault, std::uint64_t seq, std::string explanation) {
  ++report_.findings_total;
  if (report_.findings.size() < kMaxFindings)
    report_.findings.push_back({fault, file_, line_, seq, std::move(explanation)});
}

}  // namespace

std::string_view name(Fault fault) {
  switch (fault) {
    case Fault::line_malformed:
      return "line_malformed";
    case Fault::line_changed:
      return "line_changed";
    case Fault::records_missing:
      return "records_missing";
    case Fault::records_reordered:
      return "records_reordered";
    case Fault::segment_misplaced:
      return "segment_misplaced";
    case Fault::tail_torn:
      return "tail_torn";
    case Fault::tail_missing:
      return "tail_missing";
    case Fault::head_mismatch:
      return "head_mismatch";
    case Fault::head_missing:
      return "head_missing";
    case Fault::head_malformed:
      return "head_malformed";
    case Fault::head_signature_wrong:
      return "head_signature_wrong";
    case Fault::archive_mark_wrong:
      return "archive_mark_wrong";
  }
  return "unknown";
}

Result<VerifyReport> verify(const std::filesystem::path& directory, std::string_view public_key_pem,
                            const VerifyScope& scope, const VerifyProgress& progress) {
  return Verifier(directory, public_key_pem, progress).run(scope);
}

Result<VerifyReport> verify_segment(const std::filesystem::path& segment,
                                    std::string_view public_key_pem) {
  auto first_seq = first_seq_of_segment(segment.filename().string());
  if (!first_seq)
    return fail(Code::invalid_argument,
                segment.string() + " is not called as a segment of an audit log is");
  return Verifier(segment.parent_path(), public_key_pem).run_alone({segment, *first_seq});
}

}  // namespace nae::audit

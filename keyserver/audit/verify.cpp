#include "keyserver/audit/verify.hpp"

#include <algorithm>

#include "keyserver/audit/directory_lock.hpp"
#include "keyserver/audit/file.hpp"
#include "libnae/crypto/public_key.hpp"

namespace nae::audit {
namespace {

std::string record_range(std::uint64_t first, std::uint64_t last) {
  if (first == last) return "record " + std::to_string(first);
  return "records " + std::to_string(first) + " to " + std::to_string(last);
}

// Walks all segments and goes on after a finding, so that one report shows everything.
class Verifier {
 public:
  explicit Verifier(const std::filesystem::path& directory) : directory_(directory) {}

  Result<VerifyReport> run(std::string_view public_key_pem);

 private:
  void check_line(const Segment& segment, const RawLine& raw);
  void check_start_of_segment(const Segment& segment, const Line& line);
  bool check_sequence(const Line& line);
  void check_hash(const Line& line);
  void check_head_reached();
  Result<void> read_signed_head();
  Result<void> check_signature(std::string_view public_key_pem);
  void find(Fault fault, std::uint64_t seq, std::string explanation);

  const std::filesystem::path& directory_;
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
};

Result<VerifyReport> Verifier::run(std::string_view public_key_pem) {
  // The head first: a server may append meanwhile, and a head read last could be newer than the
  // records read before.
  NAE_TRY(read_signed_head());
  if (report_.head && !public_key_pem.empty()) NAE_TRY(check_signature(public_key_pem));
  NAE_ASSIGN(std::vector<Segment> segments, list_segments(directory_));
  for (const Segment& segment : segments) {
    file_ = segment.path.filename().string();
    ++report_.segments;
    NAE_TRY(read_lines(segment.path, [&](const RawLine& raw) {
      line_ = raw.number;
      if (raw.ended)
        check_line(segment, raw);
      else if (&segment != &segments.back() || !is_locked(directory_))
        find(Fault::tail_torn, 0, "the line has no end: cut off by a crash or by a hand");
      return true;
    }));
  }
  check_head_reached();
  return std::move(report_);
}

Result<void> Verifier::read_signed_head() {
  file_ = kHeadFile;
  auto head = read_head(directory_);
  if (head) {
    report_.head = std::move(*head);
    return {};
  }
  if (head.error().code != Code::audit_broken) return fail(head.error());
  find(Fault::head_malformed, 0, head.error().message);
  return {};
}

Result<void> Verifier::check_signature(std::string_view public_key_pem) {
  NAE_ASSIGN(crypto::PublicKey key, crypto::PublicKey::from_pem(public_key_pem));
  const Head& head = *report_.head;
  auto good = key.verify(SignatureScheme::ecdsa_p256_sha256, as_bytes(canonical_bytes(head)),
                         head.signature);
  if (!good && good.error().code == Code::key_type) return fail(good.error());
  report_.signature_checked = good && *good;
  if (!report_.signature_checked)
    find(Fault::head_signature_wrong, head.point.seq,
         "the head was not signed by the audit key of this server");
  return {};
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
  if (report_.head && line->seq == report_.head->point.seq &&
      line->hash != report_.head->point.hash)
    find(Fault::head_mismatch, line->seq, "another record was here when the head was signed");
}

void Verifier::check_start_of_segment(const Segment& segment, const Line& line) {
  auto previous = previous_of_segment(line);
  if (!previous || line.seq != segment.first_seq) {
    find(Fault::segment_misplaced, line.seq,
         "the segment does not start with the record that its name promises");
    return;
  }
  if (!any_record_) {
    if (line.seq != 1)
      find(Fault::records_missing, 1, record_range(1, line.seq - 1) + " are not in this directory");
    else if (*previous != kGenesis)
      find(Fault::segment_misplaced, line.seq, "the first segment does not start a chain");
    newest_ = line.seq - 1;
    stored_ = *previous;
    computed_.reset();
  } else if (line.seq == newest_ + 1 && stored_ && *previous != *stored_ &&
             (!computed_ || *previous != *computed_)) {
    find(Fault::segment_misplaced, line.seq, "the segment follows another record than the last");
  }
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
  }
  return "unknown";
}

Result<VerifyReport> verify(const std::filesystem::path& directory,
                            std::string_view public_key_pem) {
  return Verifier(directory).run(public_key_pem);
}

}  // namespace nae::audit

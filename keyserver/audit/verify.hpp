// Proves a log offline: needs its directory and the public key, no server and no HSM.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "keyserver/audit/head.hpp"

namespace nae::audit {

enum class Fault {
  line_malformed,        // not a line this log writes
  line_changed,          // its bytes do not give its hash
  records_missing,       // sequence numbers are missing: deleted
  records_reordered,     // a sequence number came again or too late
  segment_misplaced,     // a segment does not start where its name or the chain says
  tail_torn,             // the last line has no end, and no server is writing it
  tail_missing,          // the log ends before its signed head
  head_mismatch,         // the record that the head signs is another one
  head_missing,          // no signed head although there are records
  head_malformed,        // a head cannot be read
  head_signature_wrong,  // not signed by the public key
  archive_mark_wrong     // the mark is malformed, not signed by the key, or of another chain
};

std::string_view name(Fault fault);  // "line_changed"

struct Finding {
  Fault fault{};
  std::string file;         // name within the directory
  std::uint64_t line = 0;   // from 1; 0 when the whole file is meant
  std::uint64_t seq = 0;    // 0 when unknown
  std::string explanation;  // for a person
};

inline constexpr std::size_t kMaxFindings = 100;  // later ones are only counted

struct VerifyReport {
  std::uint64_t segments = 0;
  std::uint64_t records = 0;
  ChainPoint first;
  ChainPoint last;
  std::optional<Head> head;
  std::uint64_t archived_seq = 0;      // the audit key says that records up to it were taken away
  bool signature_checked = false;      // a public key was given and the head's signature is good
  std::uint64_t signed_segments = 0;   // closed ones whose own heads were found
  std::uint64_t unsigned_records = 0;  // newer than the head: their deletion would not show
  std::uint64_t findings_total = 0;
  std::vector<Finding> findings;

  bool intact() const { return findings_total == 0; }
};

// Which part of a log to prove: everything when nothing is set. A part is proved by whole segments,
// from the one that holds its first record to the one that holds its last, and each segment by the
// head that signs its end; what stands before the first segment is not looked at.
struct VerifyScope {
  std::optional<std::uint64_t> from_seq{}, to_seq{};  // both inclusive
  std::optional<std::int64_t> from_us{}, to_us{};     // of the records' times; [from, to)

  bool whole() const { return !from_seq && !to_seq && !from_us && !to_us; }
};

// How many bytes of segments have been read, and how many there are to read; false: no report is
// wanted any more. Called on the verifying thread, once for each segment and every few thousand
// lines.
using VerifyProgress = std::function<bool(std::uint64_t done, std::uint64_t total)>;

// `public_key_pem`: empty to check the chain without the signatures. A failure means the log could
// not be read (Code::file_failed), holds nothing of the scope (Code::not_found) or that `progress`
// did not want to go on (Code::shutting_down); what is wrong inside it are findings.
Result<VerifyReport> verify(const std::filesystem::path& directory,
                            std::string_view public_key_pem = {}, const VerifyScope& scope = {},
                            const VerifyProgress& progress = {});

// One closed segment on its own, with the signed head that lies beside it.
Result<VerifyReport> verify_segment(const std::filesystem::path& segment,
                                    std::string_view public_key_pem = {});

}  // namespace nae::audit

// Proves a log offline: needs its directory and the public key, no server and no HSM.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "keyserver/audit/head.hpp"

namespace nae::audit {

enum class Fault {
  line_malformed,       // not a line this log writes
  line_changed,         // its bytes do not give its hash
  records_missing,      // sequence numbers are missing: deleted
  records_reordered,    // a sequence number came again or too late
  segment_misplaced,    // a segment does not start where its name or the chain says
  tail_torn,            // the last line has no end, and no server is writing it
  tail_missing,         // the log ends before its signed head
  head_mismatch,        // the record that the head signs is another one
  head_missing,         // no head.json although there are records
  head_malformed,       // head.json cannot be read
  head_signature_wrong  // not signed by the public key
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
  bool signature_checked = false;      // a public key was given and the head's signature is good
  std::uint64_t unsigned_records = 0;  // newer than the head: their deletion would not show
  std::uint64_t findings_total = 0;
  std::vector<Finding> findings;

  bool intact() const { return findings_total == 0; }
};

// `public_key_pem`: empty to check the chain without the signature. A failure means the log could
// not be read (Code::file_failed); what is wrong inside it are findings.
Result<VerifyReport> verify(const std::filesystem::path& directory,
                            std::string_view public_key_pem = {});

}  // namespace nae::audit

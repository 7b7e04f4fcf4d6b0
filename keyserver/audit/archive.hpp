// The archive mark: the audit key's word that the log up to a record was taken away on purpose.
// Without it a log whose oldest segments are gone is one that was cut.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "keyserver/audit/chain.hpp"
#include "keyserver/audit/file.hpp"

namespace nae::audit {

inline constexpr std::string_view kArchiveFile = "archived.json";

struct ArchiveMark {
  ChainPoint point;  // the last record of the last segment that was taken away
  std::int64_t time_us = 0;
  Bytes signature;  // DER, over canonical_bytes()
};

// What is signed: "nae-audit-archived/1\n<seq>\n<hash>\n<time in microseconds>\n".
std::string canonical_bytes(const ArchiveMark& mark);

std::string to_json(const ArchiveMark& mark);
Result<ArchiveMark> parse_archive_mark(std::string_view json);  // Code::audit_broken

// False when the key did not sign this mark. A failure: the PEM holds no key that could.
Result<bool> is_signed_by(const ArchiveMark& mark, std::string_view public_key_pem);

// Nothing when there is none.
Result<std::optional<ArchiveMark>> read_archive_mark(const std::filesystem::path& directory);
// Replaces the file atomically and durably.
Result<void> write_archive_mark(const std::filesystem::path& directory, const ArchiveMark& mark);

struct Prunable {
  std::vector<Segment> segments;  // oldest first
  ChainPoint end;                 // their last record
  std::uint64_t records = 0;
};

// The segments whose records are all older than `before_us`. Each is proved by the head that signs
// its end and follows the one before: Code::audit_broken when one is not, Code::not_found when
// there is none. The segment that is written and the newest closed one stay, for a start after a
// crash looks for records in them.
Result<Prunable> prunable(const std::filesystem::path& directory, std::int64_t before_us,
                          std::string_view public_key_pem);

// Removes the segments up to the mark, oldest first, and their heads. Only after the mark is
// written: a crash in between leaves segments that the next call removes.
Result<std::uint64_t> remove_archived(const std::filesystem::path& directory,
                                      const ArchiveMark& mark);

}  // namespace nae::audit

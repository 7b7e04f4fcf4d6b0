// Canonical JSON of records: fixed order, no spaces, one form per value (docs/spec/audit.md).
#pragma once

#include <string>

#include "keyserver/audit/record.hpp"

namespace nae::audit {

// The rendered fields of one context, made once and copied into each of its records.
struct ContextFragment {
  std::string text;      // `,"device":"...",...,"application_name":"..."`, the user's
  std::string who = {};  // the same without application_name, which clients set at will
};
ContextFragment render_context(const Context& context);

// The context of a crowd: of `context` device and program stay, with `with_login` database and
// login role as well; kSeveral stands for the others.
std::string crowd_of(const ContextFragment& context, bool with_login);

// What stands for texts that differ within a count.
inline constexpr std::string_view kSeveral = "(several)";

// Each appends the members of one record from `"time":` on; the log adds sequence number, braces
// and hash.
void append_record(std::string& out, const ContextFragment& context, const Record& record);
void append_record(std::string& out, const AdminRecord& record);
void append_record(std::string& out, const EventRecord& record);

// Appends a JSON string with its quotes. Control characters are escaped, every byte that is not
// part of well-formed UTF-8 becomes U+FFFD, and what is longer than `max_bytes` is cut at a
// character and ends in U+2026.
void append_json_text(std::string& out, std::string_view text, std::size_t max_bytes);

// "2025-01-31T23:59:59.000001Z", always 27 bytes; years 1970 to 9999, others are clamped.
void append_time(std::string& out, std::int64_t time_us);

}  // namespace nae::audit

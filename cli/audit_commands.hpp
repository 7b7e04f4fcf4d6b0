// The leaves of nae audit, by file.
#pragma once

#include "cli/command.hpp"
#include "keyserver/audit/query.hpp"

namespace nae::cli {

inline constexpr std::size_t kMaxPublicKeyBytes = 64u << 10;

void add_audit_query(CLI::App& audit, Action& chosen);    // query
void add_audit_report(CLI::App& audit, Action& chosen);   // report
void add_audit_export(CLI::App& audit, Action& chosen);   // export
void add_audit_verify(CLI::App& audit, Action& chosen);   // verify
void add_audit_receipt(CLI::App& audit, Action& chosen);  // receipt, verify-receipt
void add_audit_prune(CLI::App& audit, Action& chosen);    // prune
void add_audit_sink(CLI::App& audit, Action& chosen);     // sink

// What records are asked for, in the words of the administration interface.
struct FilterOptions {
  std::string event, role, key, action, verdict, device, database, user, from, to;
};
void add_filter(CLI::App& leaf, FilterOptions& options, bool with_event = true);
// With --from and --to as the server reads them: parse_moment(). Once per command, so that "ago"
// means the same moment on every page.
Result<FilterOptions> in_utc(FilterOptions options);
std::string filter_parameters(const std::string& path, const FilterOptions& options,
                              const std::string& limit = {}, const std::string& after = {});
Result<audit::Filter> filter_of(const FilterOptions& options);

// Says on standard error what is wrong with the log that was read, or missing from it: closed
// segments that do not verify ("damaged_segments" of the answer) and records that were removed on
// purpose ("archived_seq": the last of them, 0 for none).
// `node`: whose, of several.
void warn_of_state(Call& call, const json::value& answer, const std::string& node = {});
// Adds the same members for a copy that is read offline, proved with the public key beside it if
// there is one.
Result<json::object> with_state(json::object answer, const std::string& directory);

}  // namespace nae::cli

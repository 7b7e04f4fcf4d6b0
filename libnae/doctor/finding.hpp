// Finding: what `doctor` of nae, nae-agent and nae-keyserver can find. One table has them all.
#pragma once

#include <cstdint>
#include <string_view>

namespace nae::doctor {

// "ok" is the severity of a check that found nothing.
enum class Severity : std::uint8_t { ok, info, warning, error };
std::string_view name(Severity severity);

enum class Finding : std::uint8_t {
  certificate_ended,
  certificate_ends_soon,
  certificate_unreadable,
  certificate_not_renewed,
  secret_open,
  configuration_refused,
  configuration_writable,
  clock_differs,
  clock_not_trusted,
  server_unreachable,
  hsm_away,
  store_away,
  audit_unwritable,
  audit_damaged,
  audit_lost_records,
  audit_unsigned,
  token_keys_missing,
  policy_missing,
  policy_warns,
  version_differs,
  not_allowed_to_look,
  descriptors_few,
  locked_memory_small,
  socket_missing,
  socket_closed_to_program,
  socket_open_to_all,
  program_missing,
  program_changed,
  custody_missing,
  custody_wrong,
  custody_card_here,
  count_,
};

struct FindingRow {
  Finding finding;
  std::string_view code;  // "ND101"; a number is never used twice
  Severity severity;
  std::string_view text;    // what is wrong, without its subject
  std::string_view remedy;  // the command that mends it, or what to do
};

// Every finding has a row: a table without it does not compile.
const FindingRow& row(Finding finding);

}  // namespace nae::doctor

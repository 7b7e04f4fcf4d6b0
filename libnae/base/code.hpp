// The one table of failure codes. Every failure that can reach another process has a Code; the
// table gives its wire number, SQLSTATE, HTTP status and the hint shown when the site has none.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace nae {

// Values travel on the wire (docs/spec/wire.md, "Status"). Numbers are never reused.
// 0 to 15 are successful results of an item, see wire::ItemResult.
enum class Code : std::uint16_t {
  // the request
  invalid_argument = 16,
  value_too_large = 17,
  too_many_items = 18,
  invalid_encoding = 19,
  unsupported = 20,
  // who asks
  denied = 32,
  context_unknown = 33,
  program_unknown = 34,
  device_unknown = 35,
  role_undetermined = 36,
  restricted_operation = 37,
  certificate_rejected = 38,
  admin_role_missing = 39,
  limit_exceeded = 40,
  user_token_rejected = 41,
  approval_required = 42,
  // keys
  key_unknown = 48,
  key_state = 49,
  key_type = 50,
  key_exists = 51,
  key_exhausted = 52,
  key_attribute = 53,
  // values
  envelope_malformed = 64,
  envelope_foreign = 65,
  authentication_failed = 66,
  already_encrypted = 67,
  signature_malformed = 68,
  value_not_text = 69,
  value_masked = 70,
  // hardware security module
  hsm_unavailable = 80,
  hsm_pin_rejected = 81,
  hsm_module_missing = 82,
  hsm_token_missing = 83,
  hsm_token_full = 84,
  hsm_failed = 85,
  group_key_missing = 86,
  // store, audit, policy, configuration
  store_unavailable = 96,
  store_corrupt = 97,
  store_version = 98,
  already_initialised = 99,
  not_initialised = 100,
  audit_unavailable = 101,
  audit_broken = 102,
  policy_invalid = 103,
  config_invalid = 104,
  not_found = 105,
  conflict = 106,
  file_failed = 107,
  store_rolled_back = 108,
  // transport
  protocol_violation = 112,
  frame_too_large = 113,
  unsupported_version = 114,
  agent_unavailable = 115,
  server_unavailable = 116,
  connection_lost = 117,
  timeout = 118,
  overloaded = 119,
  shutting_down = 120,
  tls_failed = 121,
  // us
  internal = 127,
};

struct CodeRow {
  Code code;
  std::string_view name;      // snake_case, as in logs, audit and JSON
  char sqlstate[6];           // class NE is ours; PostgreSQL leaves I to Z to implementations
  std::uint16_t http_status;  // RFC 9110
  bool retryable;             // the same request may succeed later without a change by a person
  std::string_view hint;
};

// The row of `code`; an unlisted value answers the row of Code::internal.
const CodeRow& row(Code code);

// The code whose wire number is `number`, or nothing when this build does not know it.
std::optional<Code> code_from_wire(std::uint16_t number);

inline std::string_view name(Code code) {
  return row(code).name;
}

}  // namespace nae

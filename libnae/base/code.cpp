#include "libnae/base/code.hpp"

#include <algorithm>
#include <iterator>

namespace nae {
namespace {

constexpr CodeRow kCodeRows[] = {
    {Code::invalid_argument, "invalid_argument", "22023", 400, false,
     "Check the arguments against the documentation."},
    {Code::value_too_large, "value_too_large", "54000", 413, false,
     "Split the value, or encrypt it outside the database."},
    {Code::too_many_items, "too_many_items", "54000", 413, false, "Send fewer items in one call."},
    {Code::invalid_encoding, "invalid_encoding", "22021", 400, false,
     "Decrypt it as bytea instead of text."},
    {Code::unsupported, "unsupported", "0A000", 501, false,
     "See the key types and algorithms in the documentation."},

    {Code::denied, "denied", "NE001", 403, false,
     "Ask the policy administrator for this action; 'nae policy test' explains the decision."},
    {Code::context_unknown, "context_unknown", "NE002", 409, true, "Reconnect."},
    {Code::program_unknown, "program_unknown", "NE003", 403, false,
     "Name the program's executable in the agent's program table."},
    {Code::device_unknown, "device_unknown", "NE004", 403, false,
     "Name the device in the policy, or enroll it with 'nae device enroll'."},
    {Code::role_undetermined, "role_undetermined", "NE005", 403, false,
     "The effective database role could not be determined."},
    {Code::restricted_operation, "restricted_operation", "NE006", 403, false,
     "Cryptographic functions do not run inside maintenance commands that act as the table owner."},
    {Code::certificate_rejected, "certificate_rejected", "NE007", 403, false,
     "Use a certificate that the key server's authority issued and that has not expired."},
    {Code::admin_role_missing, "admin_role_missing", "NE008", 403, false,
     "Use an admin certificate with the required role."},
    {Code::limit_exceeded, "limit_exceeded", "NE009", 429, true,
     "The policy limits how many values may be used in a span of time."},
    {Code::user_token_rejected, "user_token_rejected", "NE00A", 403, false,
     "Set nae.user_token to a token of an issuer that the policy names, not yet expired."},
    {Code::approval_required, "approval_required", "NE00B", 403, false,
     "A second administrator must approve the operation: see 'nae approve'."},

    {Code::key_unknown, "key_unknown", "NE010", 404, false,
     "List the keys with 'nae key list' or SELECT * FROM nae_keys()."},
    {Code::key_state, "key_state", "NE011", 409, false,
     "See the states of the key's versions with 'nae key show'."},
    {Code::key_type, "key_type", "NE012", 409, false, "Use a key whose type allows the action."},
    {Code::key_exists, "key_exists", "NE013", 409, false,
     "Choose another name, or rotate the existing key."},
    {Code::key_exhausted, "key_exhausted", "NE014", 409, false,
     "Rotate the key; create a new one when all its versions are used."},
    {Code::key_attribute, "key_attribute", "NE015", 409, false,
     "The key's own attributes do not allow this; see 'nae key show'."},

    {Code::envelope_malformed, "envelope_malformed", "NE020", 422, false,
     "The value is not a NAE envelope, or it was cut."},
    {Code::envelope_foreign, "envelope_foreign", "NE021", 422, false,
     "The value was encrypted under a key that this key server does not hold."},
    {Code::authentication_failed, "authentication_failed", "NE022", 422, false,
     "The value was changed, or the associated data (aad) is not the one it was encrypted with."},
    {Code::already_encrypted, "already_encrypted", "NE023", 422, false,
     "The value is an envelope already; use nae_rewrap to move it to the newest key version."},
    {Code::signature_malformed, "signature_malformed", "NE024", 422, false,
     "The value is not a NAE signature or message authentication code."},
    {Code::value_not_text, "value_not_text", "NE025", 422, false,
     "The policy shows this value masked, which works on text only."},
    {Code::value_masked, "value_masked", "NE026", 422, false,
     "Leave out columns that this role reads masked when you write a row back."},

    {Code::hsm_unavailable, "hsm_unavailable", "NE030", 503, true,
     "See the key server's log; the module is retried."},
    {Code::hsm_pin_rejected, "hsm_pin_rejected", "NE031", 503, false,
     "Correct hsm.pin_file; a token locks after a few wrong attempts."},
    {Code::hsm_module_missing, "hsm_module_missing", "NE032", 503, false,
     "Correct hsm.module: the path of the PKCS#11 library."},
    {Code::hsm_token_missing, "hsm_token_missing", "NE033", 503, true,
     "Correct hsm.token_label, or insert the token."},
    {Code::hsm_token_full, "hsm_token_full", "NE034", 507, false,
     "Free space on the token, or use a key type that is kept wrapped in the store."},
    {Code::hsm_failed, "hsm_failed", "NE035", 502, true,
     "See the key server's log for the PKCS#11 return value."},
    {Code::group_key_missing, "group_key_missing", "NE036", 503, false,
     "The token does not hold this store's group key; use the token that 'nae-keyserver init' "
     "prepared."},

    {Code::store_unavailable, "store_unavailable", "NE040", 503, true,
     "Check the store's path, its permissions and the free space."},
    {Code::store_corrupt, "store_corrupt", "NE041", 500, false, "Restore the store from a backup."},
    {Code::store_version, "store_version", "NE042", 500, false,
     "Use a key server release that knows this store's schema version."},
    {Code::already_initialised, "already_initialised", "NE043", 409, false,
     "Nothing was changed. Choose an empty directory and an unused token label."},
    {Code::not_initialised, "not_initialised", "NE044", 503, false,
     "Run 'nae-keyserver init' first."},
    {Code::audit_unavailable, "audit_unavailable", "NE045", 503, true,
     "The audit log cannot be written, so requests are refused. Check its directory and the free "
     "space."},
    {Code::audit_broken, "audit_broken", "NE046", 500, false,
     "Keep the log for examination; 'nae audit verify' says where it breaks."},
    {Code::policy_invalid, "policy_invalid", "NE047", 422, false,
     "Nothing was changed. Correct the document and apply it again."},
    {Code::config_invalid, "config_invalid", "NE048", 500, false,
     "Correct the configuration; 'nae-keyserver check-config' checks it."},
    {Code::not_found, "not_found", "NE049", 404, false, ""},
    {Code::conflict, "conflict", "NE050", 409, false, "Read the current state and try again."},
    {Code::file_failed, "file_failed", "NE051", 500, false,
     "Check the path, its permissions and the free space."},
    {Code::store_rolled_back, "store_rolled_back", "NE052", 500, false,
     "The store is older than what the server knew. Bring back its newest copy; if that is lost, "
     "see "
     "'nae-keyserver accept-store-rollback'."},

    {Code::protocol_violation, "protocol_violation", "08P01", 400, false,
     "Use matching releases of pg_nae, nae-agent and nae-keyserver."},
    {Code::frame_too_large, "frame_too_large", "54000", 413, false,
     "Send less data in one request."},
    {Code::unsupported_version, "unsupported_version", "08P01", 400, false,
     "Use matching releases of pg_nae, nae-agent and nae-keyserver."},
    {Code::agent_unavailable, "agent_unavailable", "08001", 503, true,
     "Check that nae-agent runs and that nae.agent_socket names its socket."},
    {Code::server_unavailable, "server_unavailable", "08001", 503, true,
     "No key server answers; check the agent's log and the key servers."},
    {Code::connection_lost, "connection_lost", "08006", 503, true,
     "Try again; the connection is reopened."},
    {Code::timeout, "timeout", "NE060", 504, true,
     "Raise nae.request_timeout, or find out why the key server is slow."},
    {Code::overloaded, "overloaded", "53000", 503, true, "Try again later."},
    {Code::shutting_down, "shutting_down", "57P01", 503, true,
     "Try again; another key server takes over."},
    {Code::tls_failed, "tls_failed", "08001", 502, false,
     "Check the certificates, their authority and their dates."},

    {Code::internal, "internal", "XX000", 500, false, "Report this with the key server's log."},
};

constexpr const CodeRow& kInternal = kCodeRows[std::size(kCodeRows) - 1];
static_assert(kInternal.code == Code::internal);

}  // namespace

const CodeRow& row(Code code) {
  const auto* found = std::find_if(std::begin(kCodeRows), std::end(kCodeRows),
                                   [&](const CodeRow& r) { return r.code == code; });
  return found == std::end(kCodeRows) ? kInternal : *found;
}

std::optional<Code> code_from_wire(std::uint16_t number) {
  for (const CodeRow& r : kCodeRows)
    if (static_cast<std::uint16_t>(r.code) == number) return r.code;
  return std::nullopt;
}

}  // namespace nae

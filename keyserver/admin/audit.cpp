// /v1/audit: what was done, and the proof that the record is whole.
#include "keyserver/admin/api/time.hpp"
#include "keyserver/admin/api/verify_report.hpp"
#include "keyserver/admin/route.hpp"
#include "keyserver/admin/whole_number.hpp"
#include "keyserver/audit/query.hpp"
#include "libnae/crypto/certificate.hpp"

namespace nae::admin {
namespace {

constexpr std::size_t kDefaultRecords = 100;
constexpr std::size_t kMostRecords = 10'000;

Result<std::optional<std::int64_t>> time_parameter(const AdminCall& call, std::string_view name) {
  std::string text = call.parameter(name);
  if (text.empty()) return std::nullopt;
  NAE_ASSIGN(std::int64_t time_us, api::parse_time(text));
  return time_us;
}

// From the HSM, not from a file beside the log: who could change the log could change that too.
Result<std::string> audit_public_key(AdminParts& parts) {
  auto ask = [](keys::Hsm& hsm) { return hsm.public_key_of(keys::ServerKey::audit); };
  NAE_ASSIGN(Bytes spki, parts.hsm.call(ask, parts.settings.hsm_timeout));
  return crypto::public_key_to_pem(spki);
}

}  // namespace

Result<Reply> query_audit(AdminCall& call) {
  NAE_TRY(call.only_parameters({"event", "role", "key", "action", "verdict", "device", "database",
                                "user", "from", "to", "limit"}));
  audit::Filter filter;
  filter.event = call.parameter("event");
  filter.role = call.parameter("role");
  filter.key = call.parameter("key");
  filter.action = call.parameter("action");
  filter.verdict = call.parameter("verdict");
  filter.device = call.parameter("device");
  filter.database = call.parameter("database");
  filter.user = call.parameter("user");
  NAE_ASSIGN(filter.from_us, time_parameter(call, "from"));
  NAE_ASSIGN(filter.to_us, time_parameter(call, "to"));
  filter.limit = kDefaultRecords;
  if (std::string limit = call.parameter("limit"); !limit.empty()) {
    NAE_ASSIGN(filter.limit, whole_number(limit, "limit", 1, kMostRecords));
  }
  NAE_ASSIGN(std::vector<audit::StoredRecord> found,
             audit::query(call.parts.audit_directory, filter));
  json::array records;
  for (const audit::StoredRecord& record : found) {
    NAE_ASSIGN(json::object stored, api::parse_object(record.line));
    records.push_back(std::move(stored));
  }
  call.audit_detail = std::to_string(records.size()) + " records";
  return Reply{{{"records", std::move(records)}}};
}

Result<Reply> verify_audit(AdminCall& call) {
  NAE_TRY(call.only_parameters({}));
  NAE_TRY(call.parts.audit.sign_head());  // so that the proof covers what is there now
  NAE_ASSIGN(std::string public_key, audit_public_key(call.parts));
  NAE_ASSIGN(audit::VerifyReport report, audit::verify(call.parts.audit_directory, public_key));
  call.audit_detail = report.intact() ? "intact" : "not intact";
  return Reply{api::to_json(report)};
}

}  // namespace nae::admin

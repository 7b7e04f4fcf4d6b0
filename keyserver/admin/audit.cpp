// /v1/audit: what was done, and the proof that the record is whole.
#include "keyserver/admin/api/audit_report.hpp"
#include "keyserver/admin/api/time.hpp"
#include "keyserver/admin/api/verify_report.hpp"
#include "keyserver/admin/route.hpp"
#include "keyserver/admin/whole_number.hpp"
#include "keyserver/audit/archive.hpp"
#include "keyserver/audit/query.hpp"
#include "keyserver/audit/receipt.hpp"
#include "libnae/base/text.hpp"
#include "libnae/crypto/certificate.hpp"

namespace nae::admin {
namespace {

constexpr std::size_t kDefaultRecords = 100;
constexpr std::size_t kMostRecords = 10'000;
constexpr std::size_t kMostWait_s = 60;
constexpr std::int64_t kDayUs = 86'400'000'000;

Result<std::optional<std::int64_t>> time_parameter(const AdminCall& call, std::string_view name) {
  std::string text = call.parameter(name);
  if (text.empty()) return std::nullopt;
  NAE_ASSIGN(std::int64_t time_us, api::parse_time(text));
  return time_us;
}

// From the HSM, not from a file beside the log: who could change the log could change that too.
Result<std::string> audit_public_key(const AdminParts& parts) {
  auto ask = [](keys::Hsm& hsm) { return hsm.public_key_of(keys::ServerKey::audit); };
  NAE_ASSIGN(Bytes spki, parts.keys.hsm.call(ask, parts.settings.hsm_timeout));
  return crypto::public_key_to_pem(spki);
}

// What every question about records may name.
Result<audit::Filter> filter_of(const AdminCall& call) {
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
  return filter;
}

// Whoever reads the log learns which closed segments of it do not verify, and what is not there.
Result<Reply> with_state(const AdminCall& call, json::object body) {
  NAE_ASSIGN(auto mark, audit::read_archive_mark(call.parts.audit.directory));
  body["archived_seq"] = mark ? mark->point.seq : 0;
  json::array damaged;
  if (call.parts.audit.checks) {
    NAE_ASSIGN(auto found, call.parts.audit.checks->check_all(call.now_us));
    for (const audit::DamagedSegment& segment : found) damaged.push_back(api::to_json(segment));
  }
  body["damaged_segments"] = std::move(damaged);
  return Reply{std::move(body)};
}

Result<std::size_t> limit_parameter(const AdminCall& call) {
  std::string limit = call.parameter("limit");
  if (limit.empty()) return kDefaultRecords;
  return whole_number(limit, "limit", 1, kMostRecords);
}

// What {"before": TIME} of a request to prune means.
Result<audit::Prunable> pruned_by(const AdminCall& call) {
  NAE_ASSIGN(json::object body, call.body());
  api::Fields fields(body);
  NAE_ASSIGN(const std::string before, fields.text("before"));
  NAE_TRY(fields.complete());
  NAE_ASSIGN(const std::int64_t before_us, api::parse_time(before));
  if (before_us > call.now_us)
    return fail(Code::invalid_argument, "the time up to which is pruned is still to come");
  NAE_TRY(call.parts.audit.log.sign_head());
  NAE_ASSIGN(const std::string public_key, audit_public_key(call.parts));
  return audit::prunable(call.parts.audit.directory, before_us, public_key);
}

json::object to_json(const audit::Prunable& found) {
  return {{"segments", found.segments.size()},
          {"records", found.records},
          {"archived_seq", found.end.seq},
          {"archived_hash", to_hex(found.end.hash)}};
}

}  // namespace

Result<Reply> query_audit(AdminCall& call) {
  NAE_TRY(call.only_parameters({"event", "role", "key", "action", "verdict", "device", "database",
                                "user", "from", "to", "limit"}));
  NAE_ASSIGN(audit::Filter filter, filter_of(call));
  NAE_ASSIGN(filter.limit, limit_parameter(call));
  NAE_ASSIGN(audit::Newest found, audit::newest(call.parts.audit.directory, filter));
  json::array records;
  for (const audit::StoredRecord& record : found.records) {
    NAE_ASSIGN(json::object stored, api::parse_object(record.line));
    records.push_back(std::move(stored));
  }
  call.audit_detail = std::to_string(records.size()) + " records";
  return with_state(call, {{"records", std::move(records)}, {"truncated", found.truncated}});
}

Result<Reply> export_audit(AdminCall& call) {
  NAE_TRY(call.only_parameters({"event", "role", "key", "action", "verdict", "device", "database",
                                "user", "from", "to", "limit", "after"}));
  NAE_ASSIGN(audit::Filter filter, filter_of(call));
  NAE_ASSIGN(filter.limit, limit_parameter(call));
  if (std::string after = call.parameter("after"); !after.empty()) {
    NAE_ASSIGN(filter.after_seq, whole_number(after, "after", 0, INT64_MAX));
  }
  NAE_ASSIGN(audit::Page page, audit::read_page(call.parts.audit.directory, filter));
  call.audit_detail =
      std::to_string(page.records.size()) + " records after " + std::to_string(filter.after_seq);
  return with_state(call, api::to_json(page));
}

Result<Reply> summarize_audit(AdminCall& call) {
  NAE_TRY(call.only_parameters(
      {"role", "key", "action", "verdict", "device", "database", "user", "from", "to"}));
  NAE_ASSIGN(audit::Filter filter, filter_of(call));
  NAE_ASSIGN(audit::Summary summary, audit::summarize(call.parts.audit.directory, filter));
  return with_state(call, api::to_json(summary));
}

Result<Reply> report_audit(AdminCall& call) {
  NAE_TRY(call.only_parameters({"since"}));
  NAE_ASSIGN(std::optional<std::int64_t> since_us, time_parameter(call, "since"));
  NAE_ASSIGN(audit::Report report,
             audit::make_report(call.parts.audit.directory, since_us.value_or(call.now_us - kDayUs),
                                call.now_us));
  return with_state(call, api::to_json(report));
}

Result<Reply> audit_receipt(AdminCall& call) {
  NAE_TRY(call.only_parameters({}));
  NAE_ASSIGN(std::uint64_t seq, whole_number(call.names.front(), "seq", 1, INT64_MAX));
  if (call.parts.audit.log.health().head_seq < seq) NAE_TRY(call.parts.audit.log.sign_head());
  NAE_ASSIGN(audit::Receipt receipt, audit::make_receipt(call.parts.audit.directory, seq));
  NAE_ASSIGN(json::object body, api::parse_object(audit::to_json(receipt)));
  return Reply{std::move(body)};
}

Result<Reply> preview_prune_audit(AdminCall& call) {
  NAE_ASSIGN(const audit::Prunable found, pruned_by(call));
  return Reply{to_json(found)};
}

// Slow, so one at a time: two would overwrite each other's mark.
Result<Reply> prune_audit(AdminCall& call) {
  NAE_ASSIGN(const audit::Prunable found, pruned_by(call));
  call.audit_target = "up to record " + std::to_string(found.end.seq);
  call.audit_detail = std::to_string(found.records) + " records in " +
                      std::to_string(found.segments.size()) + " segments, the last with hash " +
                      to_hex(found.end.hash);
  audit::ArchiveMark mark{found.end, call.now_us, {}};
  auto sign = [text = audit::canonical_bytes(mark)](keys::Hsm& hsm) {
    return hsm.sign_as(keys::ServerKey::audit, as_bytes(text));
  };
  NAE_ASSIGN(mark.signature, call.parts.keys.hsm.call(sign, call.parts.settings.hsm_timeout));
  NAE_TRY(audit::write_archive_mark(call.parts.audit.directory, mark));
  NAE_TRY(audit::remove_archived(call.parts.audit.directory, mark).map([](std::uint64_t) {}));
  return Reply{to_json(found)};
}

Result<Reply> verify_audit(AdminCall& call) {
  NAE_TRY(call.only_parameters({"from", "to", "wait_s"}));
  const std::string from = call.parameter("from"), to = call.parameter("to");
  NAE_ASSIGN(audit::VerifyScope scope, api::parse_scope(from, to));
  const std::string wait = call.parameter("wait_s");
  std::size_t wait_s = 0;
  if (!wait.empty()) {
    NAE_ASSIGN(wait_s, whole_number(wait, "wait_s", 1, kMostWait_s));
  }
  auto begin = [&]() -> Result<Verification::Proof> {
    NAE_TRY(call.parts.audit.log.sign_head());  // so that the proof covers what is there now
    NAE_ASSIGN(std::string public_key, audit_public_key(call.parts));
    return [directory = call.parts.audit.directory, public_key = std::move(public_key),
            scope](const audit::VerifyProgress& progress) {
      return audit::verify(directory, public_key, scope, progress);
    };
  };
  Verification::Answer answer;
  if (wait.empty() || call.parts.audit.verification == nullptr) {
    NAE_ASSIGN(const Verification::Proof proof, begin());
    NAE_ASSIGN(answer.report, proof({}));
  } else {
    NAE_ASSIGN(answer, call.parts.audit.verification->ask({call.admin, from, to}, begin,
                                                          std::chrono::seconds(wait_s)));
  }
  if (!answer.report) {
    call.audit_detail = "goes on";
    return Reply{{{"running", true}, {"bytes_read", answer.bytes_read}, {"bytes", answer.bytes}}};
  }
  call.audit_detail = answer.report->intact() ? "intact" : "not intact";
  return Reply{api::to_json(*answer.report)};
}

}  // namespace nae::admin

#include "keyserver/admin/api/verify_report.hpp"

#include <charconv>

#include "keyserver/admin/api/time.hpp"
#include "keyserver/audit/encode.hpp"
#include "libnae/base/text.hpp"

namespace nae::admin::api {
namespace {

json::value head_to_json(const std::optional<audit::Head>& head) {
  if (!head) return nullptr;
  std::string time;
  audit::append_time(time, head->time_us);
  return json::object{{"seq", head->point.seq}, {"hash", to_hex(head->point.hash)}, {"time", time}};
}

Result<void> parse_bound(std::string_view text, std::optional<std::uint64_t>& seq,
                         std::optional<std::int64_t>& time_us) {
  if (text.empty()) return {};
  std::uint64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size() && number != 0) {
    seq = number;
    return {};
  }
  NAE_ASSIGN(time_us, parse_time(text));
  return {};
}

}  // namespace

Result<audit::VerifyScope> parse_scope(std::string_view from, std::string_view to) {
  audit::VerifyScope scope;
  NAE_TRY(parse_bound(from, scope.from_seq, scope.from_us));
  NAE_TRY(parse_bound(to, scope.to_seq, scope.to_us));
  if ((scope.from_seq && scope.to_seq && *scope.from_seq > *scope.to_seq) ||
      (scope.from_us && scope.to_us && *scope.from_us >= *scope.to_us))
    return fail(Code::invalid_argument, "the range ends before it begins");
  return scope;
}

json::object to_json(const audit::VerifyReport& report) {
  json::array findings;
  for (const audit::Finding& finding : report.findings)
    findings.push_back(json::object{{"fault", audit::name(finding.fault)},
                                    {"file", finding.file},
                                    {"line", finding.line},
                                    {"seq", finding.seq},
                                    {"explanation", finding.explanation}});
  return {
      {"intact", report.intact()},
      {"signature_checked", report.signature_checked},
      {"segments", report.segments},
      {"signed_segments", report.signed_segments},
      {"records", report.records},
      {"first_seq", report.first.seq},
      {"last_seq", report.last.seq},
      {"last_hash", to_hex(report.last.hash)},
      {"unsigned_records", report.unsigned_records},
      {"archived_seq", report.archived_seq},
      {"head", head_to_json(report.head)},
      {"findings_total", report.findings_total},
      {"findings", std::move(findings)},
  };
}

}  // namespace nae::admin::api

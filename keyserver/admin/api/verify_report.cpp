#include "keyserver/admin/api/verify_report.hpp"

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

}  // namespace

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
      {"records", report.records},
      {"first_seq", report.first.seq},
      {"last_seq", report.last.seq},
      {"last_hash", to_hex(report.last.hash)},
      {"unsigned_records", report.unsigned_records},
      {"head", head_to_json(report.head)},
      {"findings_total", report.findings_total},
      {"findings", std::move(findings)},
  };
}

}  // namespace nae::admin::api

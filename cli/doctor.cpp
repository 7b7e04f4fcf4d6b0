// nae doctor
#include <poll.h>

#include <algorithm>
#include <map>
#include <ostream>

#include "cli/command.hpp"
#include "keyserver/admin/api/time.hpp"
#include "libnae/base/clock.hpp"
#include "libnae/base/version.hpp"
#include "libnae/crypto/certificate_life.hpp"
#include "libnae/doctor/host_checks.hpp"

namespace nae::cli {
namespace {

using admin::api::items;
using admin::api::shown;
using doctor::Finding;
using doctor::Report;

constexpr std::int64_t kMicroseconds = 1'000'000;
constexpr std::int64_t kMostClockDifferenceS = 30;
// Heads are signed every second unless the configuration says otherwise.
constexpr int kHeadLooks = 25;
constexpr int kHeadLookMs = 200;

void check_part(Report& report, const json::value& status, const char* part, Finding finding) {
  const json::value* state = status.as_object().if_contains(part);
  if (!state) return;
  if (shown(*state, "ok") == "true")
    report.good(part);
  else
    report.found(finding, part, shown(*state, "problem"));
}

std::int64_t number(const json::value& object, const char* name) {
  const json::value* member = object.as_object().if_contains(name);
  return member && member->is_int64() ? member->get_int64() : 0;
}

std::int64_t unix_seconds(const std::string& time) {
  auto at_us = admin::api::parse_time(time);
  return at_us ? *at_us / kMicroseconds : 0;
}

// Of a certificate as an answer shows it. `begin`: the member that says since when.
crypto::CertificateLife life_of(const json::value& certificate, std::string_view begin) {
  return {unix_seconds(shown(certificate, begin)), unix_seconds(shown(certificate, "not_after"))};
}

// `asked_us`, `answered_us`: our clock before and after the question.
void check_clock(Report& report, const json::value& status, std::int64_t asked_us,
                 std::int64_t answered_us) {
  auto theirs = admin::api::parse_time(shown(status, "time"));
  if (!theirs) return;  // an older server, which version_differs tells
  const std::int64_t ahead_us = std::max(*theirs - answered_us, asked_us - *theirs);
  const std::int64_t ahead_s = std::max<std::int64_t>(ahead_us / kMicroseconds, 0);
  const std::string detail = "by " + std::to_string(ahead_s) + " s";
  if (ahead_s > kMostClockDifferenceS)
    report.found(Finding::clock_differs, "clock",
                 "the server's is " + shown(status, "time") + ", " + detail);
  else
    report.good("this host's clock agrees with the server's", detail);
}

// A head that covers what was written when we first asked.
void check_heads(Report& report, Server& server, const json::value& status) {
  const std::int64_t wanted = number(status, "audit_seq");
  std::int64_t head = number(status, "audit_head_seq");
  for (int look = 0; head < wanted && look < kHeadLooks; ++look) {
    ::poll(nullptr, 0, kHeadLookMs);
    auto again = server.call("GET", "/v1/status");
    if (again) head = number(*again, "audit_head_seq");
  }
  const std::string detail =
      "record " + std::to_string(wanted) + ", the signed head covers " + std::to_string(head);
  if (head < wanted)
    report.found(Finding::audit_unsigned, "audit head", detail);
  else
    report.good("audit head", detail);
}

void check_audit(Report& report, Server& server, const json::value& status) {
  check_part(report, status, "audit", Finding::audit_unwritable);
  for (const json::value& segment : items(status, "audit_damaged_segments"))
    report.found(Finding::audit_damaged, "audit segment " + shown(segment, "file"),
                 shown(segment, "problem"));
  if (const std::int64_t lost = number(status, "audit_lost_records"); lost > 0)
    report.found(Finding::audit_lost_records, "audit", std::to_string(lost) + " since its start");
  check_heads(report, server, status);
}

// What the caller's roles do not show is said, so that silence is no good news.
void not_shown(Report& report, const char* subject, const Failure& failure) {
  report.found(Finding::not_allowed_to_look, subject, failure.error.message);
}

void check_policy(Report& report, Server& server, const json::value& status) {
  const std::int64_t version = number(status, "policy_version");
  if (version == 0) return report.found(Finding::policy_missing, "policy");
  const std::string subject = "policy version " + std::to_string(version);
  auto same = server.call("POST", "/v1/policy/diff", {{"from", version}, {"to", version}});
  if (!same) return not_shown(report, "policy", same.error());
  for (const json::value& text : items(*same, "warnings"))
    report.found(Finding::policy_warns, subject, json::value_to<std::string>(text));
  if (items(*same, "warnings").empty()) report.good(subject);
}

void check_devices(Report& report, Server& server) {
  auto answer = server.call("GET", "/v1/devices");
  if (!answer) return not_shown(report, "devices", answer.error());
  std::map<std::string, crypto::CertificateLife> last;
  for (const json::value& device : items(*answer, "devices"))
    if (shown(device, "removed_at").empty())
      crypto::keep_longer(last[shown(device, "name")], life_of(device, "issued_at"));
  for (const auto& [name, life] : last)
    doctor::check_expiry(report, "certificate of device " + name, life);
}

void check_admins(Report& report, Server& server) {
  auto answer = server.call("GET", "/v1/admins");
  if (!answer) return not_shown(report, "administrators", answer.error());
  for (const json::value& admin : items(*answer, "admins")) {
    crypto::CertificateLife last;
    for (const json::value& certificate : items(admin, "certificates"))
      crypto::keep_longer(last, life_of(certificate, "issued_at"));
    doctor::check_expiry(report, "certificate of administrator " + shown(admin, "name"), last);
  }
}

void check_server(Report& report, Server& server) {
  const std::int64_t asked_us = unix_time_us();
  auto status = server.call("GET", "/v1/status");
  const std::int64_t answered_us = unix_time_us();
  if (!status)
    return report.found(Finding::server_unreachable, "key server", status.error().error.message);
  const std::string theirs = shown(*status, "software");
  if (theirs == software("nae-keyserver"))
    report.good("key server", theirs);
  else
    report.found(Finding::version_differs, "key server",
                 theirs + ", and this is " + software("nae"));
  check_clock(report, *status, asked_us, answered_us);
  check_part(report, *status, "clock", Finding::clock_not_trusted);
  check_part(report, *status, "hsm", Finding::hsm_away);
  check_part(report, *status, "store", Finding::store_away);
  check_part(report, *status, "token_keys", Finding::token_keys_missing);
  check_audit(report, server, *status);
  for (const json::value& certificate : items(*status, "certificates"))
    doctor::check_expiry(
        report, "certificate of " + shown(certificate, "kind") + " " + shown(certificate, "name"),
        life_of(certificate, "not_before"));
  check_policy(report, server, *status);
  check_devices(report, server);
  check_admins(report, server);
}

Report examine(const Call& call) {
  Report report;
  auto profile = resolve_profile(call.profile);
  if (!profile) {
    report.found(Finding::configuration_refused, "profile", profile.error().message);
    return report;
  }
  doctor::check_certificate(report, profile->certificate);
  doctor::check_certificate(report, profile->authority);
  doctor::check_secret(report, profile->key);
  auto server = Server::open(*profile);
  if (server)
    check_server(report, **server);
  else
    report.found(Finding::server_unreachable, profile->server, server.error().error.message);
  return report;
}

Outcome<ExitCode> doctor_command(Call& call, const NoOptions&) {
  const Report report = examine(call);
  call.json ? report.print_json(call.out) : report.print(call.out);
  return report.exit_code() == 0 ? kOk : kRefused;
}

}  // namespace

void add_doctor(CLI::App& app, Action& chosen) {
  add_leaf<NoOptions>(app, "doctor", "What is wrong, and which command mends it?", chosen,
                      doctor_command)
      .first->fallthrough()
      ->footer(
          "Looks at the profile's files, and at what the server says of itself. Takes any admin\n"
          "role; what a role does not show is said. Exit code 0: no finding of severity error,\n"
          "1: at least one. Codes are listed in man nae. 'nae-agent doctor' and\n"
          "'nae-keyserver doctor' look at their hosts.\n\n"
          "Examples:\n  nae doctor\n  nae doctor --json");
}

}  // namespace nae::cli

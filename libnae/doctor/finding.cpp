#include "libnae/doctor/finding.hpp"

#include <array>

namespace nae::doctor {
namespace {

constexpr auto kFindings = static_cast<std::size_t>(Finding::count_);

// clang-format off
constexpr std::array<FindingRow, kFindings> kRows{{
    {Finding::certificate_ended, "ND101", Severity::error, "the certificate has ended",
     "nae device renew, nae admin renew or nae-keyserver renew-certificate, then reload the program"},
    {Finding::certificate_ends_soon, "ND102", Severity::warning, "the certificate ends soon",
     "nae device renew, nae admin renew or nae-keyserver renew-certificate, then reload the program"},
    {Finding::certificate_unreadable, "ND103", Severity::error, "the certificate cannot be read",
     "run doctor as the program's user; nae device renew or nae-keyserver renew-certificate makes another"},
    {Finding::certificate_not_renewed, "ND104", Severity::warning, "the agent has not renewed the certificate in time",
     "journalctl -u nae-agent says why; systemctl reload nae-agent tries at once; or nae device renew"},
    {Finding::secret_open, "ND105", Severity::error, "others than its owner may open the secret",
     "chmod 0600 FILE; who may have read it knows it: renew it with nae device rekey"},
    {Finding::configuration_refused, "ND110", Severity::error, "the configuration is refused",
     "nae-keyserver check-config or nae-agent --check-config, after a change"},
    {Finding::configuration_writable, "ND111", Severity::error, "others than its owner may write the configuration",
     "chmod go-w FILE"},
    {Finding::clock_differs, "ND201", Severity::warning, "the clocks of this host and of the server differ",
     "timedatectl set-ntp true, on the host that is wrong"},
    {Finding::clock_not_trusted, "ND202", Severity::warning, "the key server does not trust its clock",
     "set the server's clock right, or: nae clock accept --reason TEXT"},
    {Finding::server_unreachable, "ND301", Severity::error, "the key server cannot be reached",
     "systemctl status nae-keyserver, there; check address, network and certificates here"},
    {Finding::hsm_away, "ND302", Severity::error, "the HSM is away",
     "bring the HSM back; the server finds it by itself; journalctl -u nae-keyserver"},
    {Finding::store_away, "ND303", Severity::error, "the store cannot be used",
     "check disk and rights of the store; journalctl -u nae-keyserver"},
    {Finding::audit_unwritable, "ND304", Severity::error, "the audit log cannot be written: requests are refused",
     "make room on its disk; journalctl -u nae-keyserver"},
    {Finding::audit_damaged, "ND305", Severity::error, "a segment of the audit log is damaged",
     "nae audit verify, then compare the segment with its copy"},
    {Finding::audit_lost_records, "ND306", Severity::warning, "requests were served without a record",
     "make room on the audit log's disk; on_failure = \"refuse\" in [audit] serves none of them"},
    {Finding::audit_unsigned, "ND307", Severity::warning, "no head of the audit log is signed",
     "bring the HSM back: it signs heads; nae status"},
    {Finding::token_keys_missing, "ND308", Severity::warning, "keys were made on the token of another key server",
     "use keys of types that the HSM can wrap: nae key create; or one token for all: store.shared_token = true"},
    {Finding::policy_missing, "ND401", Severity::error, "no policy is applied: everything is refused",
     "nae policy apply FILE"},
    {Finding::policy_warns, "ND402", Severity::warning, "the policy is wider than it seems",
     "nae policy show >FILE, change it, nae policy apply FILE"},
    {Finding::version_differs, "ND501", Severity::warning, "the key server is of another version",
     "upgrade key servers first, then hosts: apt-get install --only-upgrade nae-keyserver"},
    {Finding::not_allowed_to_look, "ND601", Severity::info, "not looked at: your roles do not allow it",
     "nae admin roles NAME --role ROLE, by who holds that role; or let its holder run nae doctor"},
    {Finding::descriptors_few, "ND701", Severity::warning, "fewer files may be open than connections are allowed",
     "LimitNOFILE= in the systemd unit: systemctl edit"},
    {Finding::locked_memory_small, "ND702", Severity::error, "less memory may be locked than secrets take",
     "LimitMEMLOCK= in the systemd unit: systemctl edit nae-keyserver"},
    {Finding::socket_missing, "ND703", Severity::error, "the agent does not listen",
     "systemctl start nae-agent; embedded: start PostgreSQL"},
    {Finding::socket_closed_to_program, "ND704", Severity::error, "a program's user may not open the socket",
     "usermod -aG GROUP USER, or socket_mode in agent.toml; then systemctl restart nae-agent"},
    {Finding::socket_open_to_all, "ND705", Severity::warning, "every user of this host may open the socket",
     "socket_mode = \"0660\" in agent.toml, then systemctl restart nae-agent"},
    {Finding::program_missing, "ND706", Severity::warning, "a program's executable is not there",
     "correct executable of that [[program]] in agent.toml, then systemctl reload nae-agent"},
    {Finding::program_changed, "ND707", Severity::error, "a program's executable has another sha256 than is configured",
     "find out who changed it; after an upgrade: sha256sum FILE into agent.toml, systemctl reload nae-agent"},
    {Finding::custody_missing, "ND801", Severity::warning, "no custody file is beside the store",
     "bring custody.nae back from a backup: without it a lost token is the end of its keys"},
    {Finding::custody_wrong, "ND802", Severity::error, "the custody file does not bring this server's keys back",
     "take custody.nae from a backup; nae custody status FILE --audit-key audit-public.pem"},
    {Finding::custody_card_here, "ND803", Severity::warning, "the software card of the keys in custody is beside the store",
     "move card.pem and passphrase to two safe places, and delete both here"},
}};
// clang-format on

constexpr bool complete() {
  for (std::size_t i = 0; i < kFindings; ++i) {
    const FindingRow& entry = kRows[i];
    if (entry.finding != static_cast<Finding>(i) || entry.code.size() != 5 || entry.text.empty() ||
        entry.remedy.empty() || entry.severity == Severity::ok)
      return false;
    if (i > 0 && entry.code <= kRows[i - 1].code) return false;
  }
  return true;
}
static_assert(complete(), "a finding without its row, or codes that do not ascend");

}  // namespace

std::string_view name(Severity severity) {
  constexpr std::string_view kNames[] = {"ok", "info", "warning", "error"};
  return kNames[static_cast<std::size_t>(severity)];
}

const FindingRow& row(Finding finding) {
  return kRows.at(static_cast<std::size_t>(finding));
}

}  // namespace nae::doctor

#include "keyserver/server/doctor.hpp"

#include "keyserver/audit/head.hpp"
#include "keyserver/server/server.hpp"
#include "keyserver/setup/custody.hpp"
#include "libnae/base/file.hpp"
#include "libnae/crypto/public_key.hpp"
#include "libnae/crypto/secret.hpp"
#include "libnae/doctor/host_checks.hpp"

namespace nae::server {

using doctor::Finding;

namespace {

constexpr std::size_t kMaxAuditKeyBytes = 64u << 10;

std::string cards_text(const custody::CustodySet& set) {
  return std::to_string(set.k) + " of " + std::to_string(set.n()) + " cards, generation " +
         std::to_string(set.generation);
}

// That it brings back the keys of this server, and not somebody's.
Result<std::string> check_custody_file(const config::Config& config,
                                       const std::filesystem::path& file) {
  NAE_ASSIGN(const std::string content, read_file(file, custody::kMaxSetBytes));
  NAE_ASSIGN(const custody::CustodySet set, custody::parse_custody_set(as_bytes(content)));
  NAE_TRY(custody::check_signature(set));
  NAE_ASSIGN(const std::string pem,
             read_file(config.audit.directory / audit::kPublicKeyFile, kMaxAuditKeyBytes));
  NAE_ASSIGN(const auto key, crypto::PublicKey::from_pem(pem));
  if (key.der() == set.find(custody::Kept::audit)->public_key) return cards_text(set);
  return fail(Code::conflict, "it is of another group: the audit log's key did not sign it");
}

void check_custody(doctor::Report& report, const config::Config& config) {
  const std::filesystem::path beside = config::group_directory(config);
  const std::filesystem::path file = beside / setup::kCustodyFile;
  const std::string subject = "custody file " + file.string();
  std::error_code error;
  if (!std::filesystem::exists(file, error) && !error) {
    report.found(Finding::custody_missing, subject);
    return;
  }
  if (const auto checked = check_custody_file(config, file); !checked)
    report.found(Finding::custody_wrong, subject, checked.error().message);
  else
    report.good(subject, *checked);
  const std::filesystem::path card = beside / setup::kSoftwareCardDirectory / "card.pem";
  if (std::filesystem::exists(card, error))
    report.found(Finding::custody_card_here, "software card " + card.string());
}

}  // namespace

doctor::Report examine(const std::filesystem::path& configuration) {
  doctor::Report report;
  doctor::check_configuration_file(report, configuration);
  const std::string subject = "configuration " + configuration.string();
  auto config = config::load(configuration);
  if (!config) {
    report.found(Finding::configuration_refused, subject, config.error().message);
    return report;
  }
  doctor::check_certificate(report, config->tls.certificate);
  doctor::check_certificate(report, config->tls.client_authority);
  doctor::check_secret(report, config->tls.key);
  doctor::check_secret(report, config->hsm.pin_file);
  if (!config->store.path.empty()) doctor::check_secret(report, config->store.path);
  check_custody(report, *config);
  doctor::check_descriptors(report, descriptors_wanted(*config));
  const std::string locked = std::to_string(config->limits.secure_memory_kib) + " KiB";
  auto heap = crypto::SecureHeap::take(std::size_t{config->limits.secure_memory_kib} << 10);
  if (!heap) {
    report.found(Finding::locked_memory_small, "locked memory of " + locked, heap.error().message);
    return report;
  }
  report.good("locked memory", locked);
  // As check-config: address, certificates, HSM module, store and audit directory.
  if (auto checked = check(*config); !checked)
    report.found(Finding::configuration_refused, subject, checked.error().message);
  else
    report.good(subject, "good");
  return report;
}

}  // namespace nae::server

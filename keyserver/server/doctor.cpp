#include "keyserver/server/doctor.hpp"

#include "keyserver/server/own_custody.hpp"
#include "keyserver/server/server.hpp"
#include "keyserver/setup/custody.hpp"
#include "libnae/base/file.hpp"
#include "libnae/crypto/secret.hpp"
#include "libnae/doctor/host_checks.hpp"

namespace nae::server {

using doctor::Finding;

namespace {

std::string cards_text(const custody::CustodySet& set) {
  return std::to_string(set.k) + " of " + std::to_string(set.n()) + " cards, generation " +
         std::to_string(set.generation);
}

// That it brings back the keys of this server, and not somebody's.
void check_custody_file(doctor::Report& report, const config::Config& config,
                        const std::filesystem::path& file) {
  const std::string subject = "custody file " + file.string();
  if (const auto checked = own_custody(config, file); !checked)
    report.found(Finding::custody_wrong, subject, checked.error().message);
  else
    report.good(subject, cards_text(*checked));
}

void check_custody(doctor::Report& report, const config::Config& config) {
  const std::filesystem::path beside = config::group_directory(config);
  const std::filesystem::path file = beside / setup::kCustodyFile;
  const std::filesystem::path& approving = config.approval.custody;
  std::error_code error;
  if (!approving.empty() && !std::filesystem::equivalent(approving, file, error))
    check_custody_file(report, config, approving);
  if (!std::filesystem::exists(file, error) && !error) {
    report.found(Finding::custody_missing, "custody file " + file.string());
    return;
  }
  check_custody_file(report, config, file);
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

#include "keyserver/server/doctor.hpp"

#include "keyserver/server/server.hpp"
#include "libnae/crypto/secret.hpp"
#include "libnae/doctor/host_checks.hpp"

namespace nae::server {

using doctor::Finding;

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
  doctor::check_secret(report, config->store.path);
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

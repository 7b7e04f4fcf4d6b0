#include "keyserver/server/certificate_watch.hpp"

#include <spdlog/spdlog.h>

#include "libnae/base/clock.hpp"
#include "libnae/base/file.hpp"
#include "libnae/base/log_text.hpp"
#include "libnae/crypto/certificate.hpp"

namespace nae::server {

constexpr std::size_t kMaxCertificateBytes = 64u << 10;
constexpr std::chrono::hours kInterval{1};

CertificateWatch::CertificateWatch(boost::asio::io_context& loop, const config::Config& config,
                                   store::Store& store, const keys::KeyRing& ring,
                                   const std::string& authority, prometheus::Registry& metrics)
    : config_(config),
      store_(store),
      ring_(ring),
      authority_(authority),
      expiry_(metrics),
      looks_(loop, kInterval, [this] { look(); }) {}

void CertificateWatch::start() {
  look();
  looks_.start();
}

void CertificateWatch::look() {
  auto certificate = read_file(config_.tls.certificate, kMaxCertificateBytes);
  auto found = certificate ? admin::expiries(store_, ring_, *certificate, authority_)
                           : tl::unexpected(certificate.error());
  if (!found) {
    spdlog::warn("event=certificates-unknown code={} message={}", name(found.error().code),
                 quoted_text(found.error().message));
    return;
  }
  const std::int64_t now_s = unix_time_us() / 1'000'000;
  for (const admin::Expiry& expiry : expiry_.look(*found, now_s))
    spdlog::warn("event=certificate-expires kind={} name={} days_left={}", expiry.kind, expiry.name,
                 admin::days_left(expiry.life.not_after_s, now_s));
}

void CertificateWatch::record_own(const RecordEvent& record) const {
  auto pem = read_file(config_.tls.certificate, kMaxCertificateBytes);
  auto info = pem ? crypto::read_certificate(*pem) : tl::unexpected(pem.error());
  if (!info) return;
  if (auto recorded = record("certificate", "serial " + info->serial); !recorded)
    spdlog::error("event=audit-failed message={}", quoted_text(recorded.error().message));
}

}  // namespace nae::server

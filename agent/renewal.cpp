#include "agent/renewal.hpp"

#include <spdlog/spdlog.h>

#include "agent/own_certificate.hpp"
#include "agent/renewal_request.hpp"
#include "agent/renewal_time.hpp"
#include "libnae/base/clock.hpp"
#include "libnae/base/file.hpp"
#include "libnae/base/log_text.hpp"

namespace nae::agent {
namespace {

// The wall clock decides and may be set: it is looked at, not waited for.
constexpr std::chrono::seconds kLookInterval{60};
constexpr unsigned kCertificateMode = 0644;

std::int64_t now_s() {
  return unix_time_us() / 1'000'000;
}

}  // namespace

Renewal::Renewal(boost::asio::io_context& loop, AgentCounters& counters,
                 std::function<void()> renewed)
    : loop_(loop),
      counters_(counters),
      renewed_(std::move(renewed)),
      timer_(loop),
      share_(chance()) {}

void Renewal::use(const Config& config) {
  stop();
  failures_ = 0;
  if (!config.renewal.enabled) return;
  target_ = config.renewal.file;
  files_ = config.tls;
  servers_ = config.servers;
  timeout_ = config.limits.connect_timeout;
  look();
}

void Renewal::stop() {
  timer_.cancel();
  if (attempt_) attempt_->cancel();
  attempt_.reset();
}

void Renewal::look() {
  auto present = own_certificate(present_files(files_, target_));
  if (!present) {
    // TLS took the files: a key that is not P-256, which key servers do not certify.
    spdlog::info("event=certificate_not_renewable reason={}", quoted_text(present.error().message));
    return;
  }
  if (now_s() < renewal_due_s({present->not_before_s, present->not_after_s}, share_))
    return look_later(kLookInterval);
  if (auto begun = begin(*present); !begun) failed(begun.error());
}

void Renewal::look_later(std::chrono::seconds wait) {
  timer_.expires_after(wait);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) look();
  });
}

Result<void> Renewal::begin(const crypto::CertificateInfo& present) {
  NAE_ASSIGN(const Bytes key, private_key_of(files_));
  NAE_ASSIGN(request_, crypto::make_request(key, present.common_name));
  present_ = present;
  asked_ = 0;
  ask_next();
  return {};
}

// One server after the other; any of the group may issue it.
void Renewal::ask_next() {
  auto tls = net::TlsContext::client(present_files(files_, target_), {net::kAlpnHttp});
  if (!tls) return failed(tls.error());
  const net::Endpoint server = servers_.at(asked_++);
  attempt_ = request_renewal(
      loop_, *std::move(tls), server, timeout_, request_,
      [this, server](const Result<std::string>& answer) { answered(server, answer); });
}

void Renewal::answered(const net::Endpoint& server, const Result<std::string>& certificate_pem) {
  attempt_.reset();
  auto taken = certificate_pem ? take(*certificate_pem) : fail(certificate_pem.error());
  if (!taken) return asked_ < servers_.size() ? ask_next() : failed(taken.error());
  failures_ = 0;
  ++counters_.renewals;
  spdlog::info("event=certificate_renewed server={} serial={} not_after_s={} file={}",
               net::to_string(server), taken->serial, taken->not_after_s,
               quoted_text(target_.string()));
  renewed_();
  look_later(kLookInterval);
}

// A certificate that would make things worse is not written: for another key, another name, or one
// that ends no later.
Result<crypto::CertificateInfo> Renewal::take(const std::string& certificate_pem) const {
  NAE_ASSIGN(crypto::CertificateInfo next, crypto::read_certificate(certificate_pem));
  if (next.spki != present_.spki || next.uri_names != present_.uri_names)
    return fail(Code::certificate_rejected, "the answer is a certificate of another key or name");
  if (next.not_after_s <= present_.not_after_s)
    return fail(Code::certificate_rejected, "the answer is a certificate that ends no later");
  NAE_TRY(replace_file(target_, as_bytes(certificate_pem), kCertificateMode));
  return next;
}

void Renewal::failed(const Error& reason) {
  ++failures_;
  ++counters_.renewals_failed;
  auto present = own_certificate(present_files(files_, target_));
  const std::int64_t left_s = present ? present->not_after_s - now_s() : 0;
  const auto wait = renewal_retry(failures_, left_s, chance());
  spdlog::warn("event=certificate_not_renewed code={} reason={} left_s={} retry_in_s={}",
               name(reason.code), quoted_text(reason.message), left_s, wait.count());
  look_later(wait);
}

double Renewal::chance() {
  return std::uniform_real_distribution<>(0, 1)(random_);
}

}  // namespace nae::agent

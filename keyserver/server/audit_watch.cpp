#include "keyserver/server/audit_watch.hpp"

#include <spdlog/spdlog.h>

#include "libnae/base/log_text.hpp"

namespace nae::server {

constexpr std::chrono::milliseconds kWatchInterval{500};  // its trouble shows within a second

const char* on_audit_failure(const config::Config& config) {
  return config.audit.on_failure == config::OnAuditFailure::refuse ? "refuse"
                                                                   : "alarm-and-continue";
}

AuditWatch::AuditWatch(boost::asio::io_context& loop, const config::Config& config,
                       store::Nodes& nodes, audit::Log& log)
    : config_(config),
      log_(log),
      heads_(loop, config.audit.head_interval, [this] { sign_head(); }),
      health_(loop, kWatchInterval, [this] {
        static_cast<void>(log_.watch());
        look();
      }) {
  if (!config.store.url.empty()) witnesses_.emplace(loop, config, nodes, log);
}

void AuditWatch::start() {
  heads_.start();
  health_.start();
  if (witnesses_) witnesses_->start();
}

void AuditWatch::sign_head() {
  if (auto signed_head = log_.sign_head(); !signed_head)
    spdlog::error("event=audit-head-failed code={} message={}", name(signed_head.error().code),
                  quoted_text(signed_head.error().message));
}

void AuditWatch::look() {
  const audit::LogHealth health = log_.health();
  // One outage may follow another before anybody has looked.
  if (health.writable == writable_ && health.outages == outages_) return;
  writable_ = health.writable;
  outages_ = health.outages;
  if (health.writable)
    spdlog::info("event=audit-recovered");
  else
    spdlog::error("event=audit-unavailable on-failure={} message={}", on_audit_failure(config_),
                  quoted_text(health.problem));
}

}  // namespace nae::server

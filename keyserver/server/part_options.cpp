#include "keyserver/server/part_options.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdlib>
#include <thread>

#include "keyserver/policy/network.hpp"
#include "keyserver/server/open_store.hpp"
#include "keyserver/server/server.hpp"
#include "libnae/base/file.hpp"
#include "libnae/base/log_text.hpp"
#include "libnae/base/version.hpp"

namespace nae::server {

std::size_t worker_count(std::uint32_t configured) {
  return configured != 0 ? configured : std::max(1u, std::thread::hardware_concurrency());
}

hsm::HsmQueue::Options queue_options(const config::Config& config) {
  hsm::HsmQueue::Options options;
  options.give_up = config.hsm.hang_exit;
  options.hang_after = std::min(options.hang_after, options.give_up / 2);
  options.on_give_up = [] {
    spdlog::critical("event=hsm-given-up message={}",
                     quoted_text("the HSM module hangs; this process ends for another to begin"));
    spdlog::default_logger()->flush();
    std::_Exit(kExitHsmHangs);  // no destructors: the module still has its thread
  };
  options.on_health_change = [](const hsm::Health& health) {
    if (health.healthy)
      spdlog::info("event=hsm-recovered");
    else
      spdlog::error("event=hsm-unavailable code={} message={}",
                    health.last_error ? name(health.last_error->code) : "",
                    quoted_text(health.last_error ? health.last_error->message : ""));
  };
  return options;
}

namespace {

// What the locked memory has room for beside the keys that are ready for use, and an eighth of it
// for all else: PINs, the ledger's key, what is being derived, custody's shares.
std::size_t derived_keys_of(const config::Config& config) {
  const std::size_t locked = std::size_t{config.limits.secure_memory_kib} << 10;
  const std::size_t taken =
      std::size_t{config.limits.working_keys} * keys::kReadyKeyBytes + locked / 8;
  return taken < locked ? (locked - taken) / keys::kDerivedKeyBytes : 0;
}

}  // namespace

keys::WorkingKeys::Options working_key_options(const config::Config& config,
                                               std::shared_ptr<const keys::ProcessImage> image) {
  keys::WorkingKeys::Options options;
  options.image = std::move(image);
  options.capacity = config.limits.working_keys;
  options.derived = derived_keys_of(config);
  options.max_age = config.limits.working_key_lifetime;
  return options;
}

keys::WorkingKeys::Options working_key_options(const config::Config& config,
                                               std::shared_ptr<const keys::ProcessImage> image,
                                               const keys::KeyRing& ring) {
  keys::WorkingKeys::Options options = working_key_options(config, std::move(image));
  options.find_key = [&ring](const KeyId& id) { return ring.find(id); };
  return options;
}

keys::RingOptions ring_options(const config::Config& config, const keys::TrustedTime& clock,
                               keys::RunOnHsm make_on_hsm) {
  keys::RingOptions options;
  options.make_on_hsm = std::move(make_on_hsm);
  options.now = [&clock] { return clock.now_us(); };
  options.steady = [&clock] { return clock.steady_us(); };
  options.portable_only = !config.store.url.empty() && !config.store.shared_token;
  options.destroy_wait_us =
      std::chrono::duration_cast<std::chrono::microseconds>(config.keys.destroy_wait).count();
  return options;
}

audit::LogOptions log_options(const config::Config& config) {
  audit::LogOptions options;
  options.directory = config.audit.directory;
  options.durability = config.audit.durability == config::Durability::fsync
                           ? audit::Durability::fsync
                           : audit::Durability::write;
  options.on_failure = config.audit.on_failure == config::OnAuditFailure::refuse
                           ? audit::OnFailure::refuse
                           : audit::OnFailure::alarm_and_continue;
  options.segment_bytes = std::uint64_t{config.audit.segment_mib} << 20;
  options.reserve_bytes = std::uint64_t{config.audit.reserve_mib} << 20;
  options.head_records = config.audit.head_records;
  options.keep_interval_us =
      std::chrono::duration_cast<std::chrono::microseconds>(config.audit.head_interval).count();
  return options;
}

operations::Settings settings_of(const config::Config& config, std::string server_id) {
  operations::Settings settings;
  settings.software = software("nae-keyserver");
  settings.server_id = std::move(server_id);
  settings.node = node_of(config);
  settings.hsm_timeout = config.hsm.timeout;
  settings.max_working_keys_per_request = config.limits.working_keys / 4;
  return settings;
}

nae1::Settings nae_settings_of(const config::Config& config) {
  nae1::Settings settings;
  settings.limits = config.limits.wire;
  settings.frame_timeout = config.limits.frame_timeout;
  return settings;
}

std::shared_ptr<nae1::DeviceSeats> seats_of(const config::Config& config) {
  constexpr std::uint32_t kLeast = 4;  // an agent that loads its certificate anew has twice its two
  const std::uint32_t most = config.server.max_connections;
  const std::uint32_t each = config.server.max_connections_per_device;
  return std::make_shared<nae1::DeviceSeats>(most, each != 0 ? each : std::max(kLeast, most / 4));
}

std::shared_ptr<net::MemoryBudget> memory_of(const config::Config& config) {
  const std::size_t total = std::size_t{config.limits.connection_memory_mib} << 20;
  // One frame of a device must fit, whatever the rest.
  const std::size_t frame = wire::kFrameHeaderBytes + config.limits.wire.max_frame_bytes;
  return std::make_shared<net::MemoryBudget>(total, std::max(total / 4, frame));
}

Result<net::TlsListenerOptions> listener_options(const config::Config& config) {
  net::TlsListenerOptions options;
  options.host = config.server.host;
  options.port = config.server.port;
  options.max_connections = most_connections(config);
  std::vector<policy::Network> balancers;
  for (const std::string& text : config.server.proxy_protocol_from) {
    auto network = policy::parse_network(text);
    if (!network)
      return fail(Code::config_invalid,
                  "server.proxy_protocol_from: " + std::move(network).error().message);
    if (network->prefix_bits == 0)
      return fail(Code::config_invalid,
                  "server.proxy_protocol_from: \"" + text + "\" holds every address",
                  "Name the addresses of your balancers: whoever is named says where its client "
                  "comes from.");
    balancers.push_back(*network);
  }
  if (!balancers.empty())
    options.writes_proxy_header = [balancers = std::move(balancers)](std::string_view peer) {
      const auto address = policy::parse_address(peer);
      return address && std::ranges::any_of(balancers, [&](const policy::Network& network) {
               return network.contains(*address);
             });
    };
  return options;
}

net::TlsFiles tls_files(const config::Config& config) {
  return {config.tls.certificate.string(), config.tls.key.string(),
          config.tls.client_authority.string()};
}

http::HttpLimits http_limits(const config::Config& config) {
  http::HttpLimits limits;
  limits.request_timeout = config.admin.request_timeout;
  limits.idle_timeout = config.admin.idle_timeout;
  return limits;
}

http::GateLimits gate_limits(const config::Config& config) {
  const auto& admin = config.admin;
  return {admin.max_connections, admin.max_connections_per_certificate, admin.requests_per_second,
          admin.request_burst,   admin.connections_per_second,          admin.connection_burst};
}

std::size_t most_connections(const config::Config& config) {
  return std::size_t{config.server.max_connections} + config.admin.max_connections +
         http::kMostSeenOut;
}

Result<admin::ApprovalRules> rules_of(const config::Config& config) {
  const auto& approval = config.approval;
  NAE_ASSIGN(admin::ApprovalRules rules,
             admin::approval_rules(approval.required, approval.expires_after));
  if (approval.by_cards.empty()) return rules;
  std::error_code error;
  if (!std::filesystem::is_regular_file(approval.custody, error))
    return fail(
        Code::config_invalid, "approval.custody: " + approval.custody.string() + " is not a file",
        "Put the group's custody.nae there; nae-keyserver restore --backup brings it back.");
  NAE_ASSIGN(const std::string file, read_file(approval.custody, custody::kMaxSetBytes));
  NAE_ASSIGN(custody::CustodySet custodians, custody::parse_custody_set(as_bytes(file)));
  NAE_TRY(custody::check_signature(custodians));
  return admin::with_cards(std::move(rules), approval.by_cards, approval.cards,
                           std::move(custodians));
}

}  // namespace nae::server

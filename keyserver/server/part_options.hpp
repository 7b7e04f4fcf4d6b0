// What the configuration says of each part, in the part's own words.
#pragma once

#include <memory>
#include <string>

#include "keyserver/admin/approval_rules.hpp"
#include "keyserver/config/config.hpp"
#include "keyserver/hsm/hsm_queue.hpp"
#include "keyserver/keys/key_ring.hpp"
#include "keyserver/keys/trusted_time.hpp"
#include "keyserver/keys/working_keys.hpp"
#include "keyserver/protocols/http/http_protocol.hpp"
#include "keyserver/protocols/nae1/device_seats.hpp"
#include "keyserver/protocols/nae1/parts.hpp"
#include "net/listener.hpp"
#include "net/memory_budget.hpp"
#include "net/tls_context.hpp"

namespace nae::server {

// EX_TEMPFAIL of sysexits.h: a new process may find a module that works, so the unit starts one.
inline constexpr int kExitHsmHangs = 75;
// Another key server is in charge of the store, or may be: a new process waits for its turn.
inline constexpr int kExitLeaseEnded = 76;

std::size_t worker_count(std::uint32_t configured);
hsm::HsmQueue::Options queue_options(const config::Config& config);
keys::WorkingKeys::Options working_key_options(const config::Config& config,
                                               std::shared_ptr<const keys::ProcessImage> image);
// The same, of keys that `ring` has; it outlives them.
keys::WorkingKeys::Options working_key_options(const config::Config& config,
                                               std::shared_ptr<const keys::ProcessImage> image,
                                               const keys::KeyRing& ring);
// The ring goes by `clock`, which outlives it.
keys::RingOptions ring_options(const config::Config& config, const keys::TrustedTime& clock,
                               keys::RunOnHsm make_on_hsm);
// Without what only a server can say of its log.
audit::LogOptions log_options(const config::Config& config);
operations::Settings settings_of(const config::Config& config, std::string server_id);
nae1::Settings nae_settings_of(const config::Config& config);
std::shared_ptr<nae1::DeviceSeats> seats_of(const config::Config& config);
std::shared_ptr<net::MemoryBudget> memory_of(const config::Config& config);
net::TlsFiles tls_files(const config::Config& config);
http::HttpLimits http_limits(const config::Config& config);
http::GateLimits gate_limits(const config::Config& config);
// Either kind of connection has places of its own, so that neither keeps the other out.
std::size_t most_connections(const config::Config& config);
// Of all server.* that its listener takes. Code::config_invalid for a network that is none, and for
// one that holds every address: then each client could say where it comes from.
Result<net::TlsListenerOptions> listener_options(const config::Config& config);
Result<admin::ApprovalRules> rules_of(const config::Config& config);

}  // namespace nae::server

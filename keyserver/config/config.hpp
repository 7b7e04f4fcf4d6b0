// nae-keyserver's configuration: one TOML file, checked as a whole before anything starts.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "libnae/base/result.hpp"
#include "libnae/wire/limits.hpp"

namespace nae::config {

// What one person alone could do for ever, or bring in unseen.
inline constexpr const char* kApprovedByDefault[] = {"admin-change", "key-destroy", "key-import",
                                                     "policy-apply"};

enum class Durability { write, fsync };
enum class OnAuditFailure { refuse, alarm_and_continue };

struct Config {
  struct {
    std::string host = "127.0.0.1";
    std::uint16_t port = 7443;
    std::string advertise;      // "HOST:PORT" where agents reach it; empty: where it listens
    std::uint32_t threads = 0;  // 0: one a processor
    std::uint32_t max_connections = 1024;
    std::uint32_t max_connections_per_device = 0;  // 0: a quarter of them, at least 4
    std::chrono::milliseconds stop_timeout{10'000};
    std::vector<std::string> proxy_protocol_from;  // networks of balancers
    bool device_renewal = true;                    // a host may renew its own certificate
  } server;
  struct {
    std::filesystem::path certificate, key, client_authority;
  } tls;
  struct {
    std::filesystem::path module;
    std::string module_parameters;  // for C_Initialize; most modules take none
    std::string token_label;
    std::filesystem::path pin_file;
    std::string group_key_label = "nae-group";
    std::filesystem::path softhsm_configuration;  // for SoftHSM2's own SOFTHSM2_CONF
    std::chrono::milliseconds timeout{5'000};     // how long a request waits for the module
    std::chrono::milliseconds hang_exit{60'000};  // after which a call that hangs ends the server
  } hsm;
  // One of the two: SQLite's file, or a PostgreSQL.
  struct {
    std::filesystem::path path;
    std::string url;                  // "postgresql://..."
    std::string node;                 // this key server's name in the group; empty: the host's
    std::chrono::seconds lease{30};   // how long one that is silent stays in charge
    bool allow_asynchronous = false;  // several hosts without synchronous replication
    bool follow = false;              // answers agents also while another one is in charge
    bool shared_token = false;        // all key servers of the group use one token
  } store;
  struct {
    std::chrono::hours destroy_wait{168};  // between the command and the destruction
  } keys;
  struct {
    std::filesystem::path directory;
    Durability durability = Durability::write;
    OnAuditFailure on_failure = OnAuditFailure::refuse;
    std::chrono::seconds head_interval{1};
    std::chrono::seconds witness_interval{60};  // of a group: heads of the others are recorded
    std::uint32_t segment_mib = 64;             // a segment of this size is closed
    std::uint32_t reserve_mib = 64;             // of the disk, kept for administrators' records
    std::uint32_t head_records = 100'000;  // a head also after so many; 0: by the interval alone
  } audit;
  struct {
    wire::Limits wire;
    std::chrono::milliseconds frame_timeout{30'000};  // from a frame's first byte to its last
    // For half-received frames, requests that wait for the HSM and answers that are not taken; a
    // quarter of it for one device.
    std::uint32_t connection_memory_mib = 1024;
    std::uint32_t working_keys = 1024;  // ready for use; about 2 KiB of locked memory each
    std::chrono::seconds working_key_lifetime{3600};
    std::uint32_t secure_memory_kib = 4096;  // a power of two, below RLIMIT_MEMLOCK
  } limits;
  // HTTP, that is administrators and monitoring. Apart from the agents' connections, so that
  // neither takes the other's place.
  struct {
    std::uint32_t max_connections = 64;
    std::uint32_t max_connections_per_certificate = 16;
    std::uint32_t requests_per_second = 50;  // of one certificate, as are the next three
    std::uint32_t request_burst = 200;
    std::uint32_t connections_per_second = 50;
    std::uint32_t connection_burst = 200;
    std::chrono::milliseconds request_timeout{15'000};  // from a request's first byte to its last
    std::chrono::milliseconds idle_timeout{60'000};
  } admin;
  struct {
    // Classes of operations that take a second administrator. Without [approval] none; with it, and
    // no list of its own, kApprovedByDefault.
    std::vector<std::string> required;
    std::chrono::seconds expires_after{86'400};
    // Of `required`: those that custodians' cards approve, so many of them, in place of an
    // administrator. The cards are those of the custody file.
    std::vector<std::string> by_cards;
    std::uint32_t cards = 2;
    std::filesystem::path custody;
  } approval;
  struct {
    std::string level = "info";
    std::string format = "auto";  // of libnae/base/log_record.hpp
  } log;
};

// Reads and checks `file`. Relative paths in it start at its directory. Code::config_invalid with
// file, line and field: unknown fields, wrong types, values out of range and missing files are all
// refused, so that a typing error cannot weaken a setting in silence.
Result<Config> load(const std::filesystem::path& file);

// Where init puts custody.nae and what else is the group's: beside the store's file; of a store in
// a PostgreSQL above the audit log's directory.
std::filesystem::path group_directory(const Config& config);

// Where agents reach this key server, as it tells the others of its group: "ks1.example:7443".
std::string advertised(const Config& config);

// So many open files a server with all its connections has: these, and store, audit log, the
// module's files and event loops.
std::uint64_t descriptors_wanted(const Config& config);

}  // namespace nae::config

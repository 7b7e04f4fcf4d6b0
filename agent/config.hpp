// nae-agent's configuration: one TOML file, checked as a whole before anything of it is used.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "libnae/base/result.hpp"
#include "libnae/wire/limits.hpp"
#include "net/connector.hpp"
#include "net/tls_context.hpp"

namespace nae::agent {

// A program that may connect. Every property that is given must hold.
struct Program {
  std::string name;                  // how policy calls it
  uid_t uid = 0;                     // the user it runs as
  std::filesystem::path executable;  // as /proc/PID/exe names it
  std::vector<Bytes> sha256;         // of the executable, any one of them; empty: not compared
  std::string systemd_unit;          // empty: not compared
  std::string unix_role;             // role of all that it asks; empty: it says, as databases do
};

struct Config {
  std::filesystem::path socket = "/run/nae/agent.sock";
  unsigned socket_mode = 0660;
  net::TlsFiles tls;
  struct {
    bool enabled = true;
    std::filesystem::path file;  // where the next certificate goes: tls.certificate, or beside it
  } renewal;
  std::vector<net::Endpoint> servers;
  bool discover = true;  // also key servers that those tell of
  std::uint32_t connections_per_server = 2;
  std::vector<Program> programs;
  std::optional<net::Endpoint> metrics_listen;  // plain HTTP on loopback; not given: nobody listens
  struct {
    wire::Limits wire;
    std::uint32_t max_clients = 1024;
    // Not 0: max_clients was lowered to what this limit of open files has room for.
    std::uint64_t open_files = 0;
    std::uint32_t max_outstanding_per_client = 64;
    std::uint64_t max_buffered_bytes = 256u << 20;  // of requests that wait for their answer
    std::chrono::milliseconds request_timeout{30'000};
    // How long a request waits for a key server when none is connected.
    std::chrono::milliseconds unavailable_wait{2'000};
    std::chrono::milliseconds connect_timeout{5'000};
    std::chrono::milliseconds stop_timeout{5'000};
  } limits;
  struct {
    std::string level = "info";
    std::string format = "auto";  // of libnae/base/log_record.hpp
  } log;
};

// Besides clients an agent opens files for connections to key servers, two for each while a new one
// replaces it, timers, and /proc for each client that is attested.
std::uint64_t own_descriptors(const Config& config);

// Relative paths start at the file's directory. Code::config_invalid names file, line and field.
Result<Config> load_config(const std::filesystem::path& file);

}  // namespace nae::agent

// nae-gateway's configuration: one TOML file, checked as a whole before anything of it is used.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "gateway/inspection/route.hpp"
#include "libnae/base/result.hpp"
#include "net/connector.hpp"

namespace nae::gateway {

struct Config {
  std::string name;  // as policies and the audit log see the gateway: the database of its requests
  net::Endpoint listen;
  std::optional<net::Endpoint> metrics_listen;  // plain HTTP on loopback; not given: nobody listens
  std::filesystem::path agent_socket = "/run/nae/agent.sock";
  std::uint32_t workers = 0;                 // threads; 0: one a processor
  std::vector<std::string> trusted_proxies;  // addresses whose X-Forwarded-* are believed
  struct {
    std::filesystem::path certificate, key;  // empty: clients speak plain HTTP
  } tls;
  struct {
    net::Endpoint address;
    bool tls = false;
    std::filesystem::path authority;  // empty: those of the system
    std::string server_name;          // in its certificate
  } upstream;
  struct {
    std::uint32_t max_connections = 4096;
    std::uint32_t max_header_bytes = 16 << 10;
    std::uint32_t max_answer_bytes = 4 << 20;      // of one that values are shown in
    std::uint64_t max_bodies_bytes = 256 << 20;    // of claimed requests at once, for each worker
    std::uint32_t idle_upstream_connections = 64;  // kept for each worker
    std::chrono::milliseconds header_timeout{15'000};
    std::chrono::milliseconds idle_timeout{60'000};
    std::chrono::milliseconds body_timeout{60'000};
    std::chrono::milliseconds connect_timeout{5'000};
    std::chrono::milliseconds upstream_timeout{60'000};
    std::chrono::milliseconds agent_timeout{10'000};
    std::chrono::milliseconds stop_timeout{30'000};
  } limits;
  struct {
    std::string level = "info";
    std::string format = "auto";  // of libnae/base/log_record.hpp
    bool access = true;           // a line for each request
  } log;
  RouteTable routes;
};

// Relative paths start at the file's directory. Code::config_invalid names file, line and field.
Result<Config> load_config(const std::filesystem::path& file);

}  // namespace nae::gateway

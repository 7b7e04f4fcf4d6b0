#include "gateway/config.hpp"

#include <boost/asio/ip/address.hpp>

#include "libnae/base/log_record.hpp"
#include "libnae/base/text.hpp"
#include "libnae/toml/fields.hpp"

namespace nae::gateway {
namespace {

using toml_fields::Fields;
using Path = std::filesystem::path;

bool is_address(const std::string& text, bool of_loopback = false) {
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(text, error);
  return !error && (!of_loopback || address.is_loopback());
}

// False where the field is not there, or wrong.
bool read_endpoint(Fields& f, std::string_view field, net::Endpoint& out) {
  std::string text;
  f.text(field, text);
  if (!f.has(field)) return false;
  auto endpoint = net::parse_endpoint(text);
  if (!endpoint) {
    f.refuse(field, endpoint.error().message);
    return false;
  }
  out = *std::move(endpoint);
  return true;
}

void read_addresses(Fields& f, Config& config) {
  f.require("listen");
  if (read_endpoint(f, "listen", config.listen) && !is_address(config.listen.host))
    f.refuse("listen", "must be an address and a port");
  net::Endpoint metrics;
  if (read_endpoint(f, "metrics_listen", metrics)) {
    // It speaks without TLS and asks for no certificate.
    if (!is_address(metrics.host, true))
      f.refuse("metrics_listen", "must be an address of loopback");
    config.metrics_listen = metrics;
  }
  f.texts("trusted_proxies", config.trusted_proxies);
  for (const std::string& proxy : config.trusted_proxies)
    if (!is_address(proxy)) f.refuse("trusted_proxies", "'" + proxy + "' is not an address");
}

Result<void> read_tls(Fields f, const Path& base, Config& config) {
  f.require("certificate");
  f.require("key");
  f.path("certificate", config.tls.certificate, base);
  f.path("key", config.tls.key, base);
  return f.finish();
}

Result<void> read_upstream(Fields f, const Path& base, Config& config) {
  auto& upstream = config.upstream;
  f.require("address");
  read_endpoint(f, "address", upstream.address);
  f.boolean("tls", upstream.tls);
  upstream.server_name = upstream.address.host;
  f.path("authority", upstream.authority, base);
  f.text("server_name", upstream.server_name);
  if (!upstream.tls && (f.has("authority") || f.has("server_name")))
    f.refuse("tls", "must be true where an authority or a server_name is given");
  return f.finish();
}

Result<void> read_limits(Fields f, Config& config) {
  auto& limits = config.limits;
  f.integer("max_connections", limits.max_connections, 1, 100'000);
  f.integer("max_header_bytes", limits.max_header_bytes, 1 << 10, 1 << 20);
  f.integer("max_answer_bytes", limits.max_answer_bytes, 1 << 10, 64 << 20);
  f.integer("max_bodies_bytes", limits.max_bodies_bytes, 1 << 10, std::uint64_t{1} << 40);
  f.integer("idle_upstream_connections", limits.idle_upstream_connections, 0, 10'000);
  f.duration("header_timeout_ms", limits.header_timeout, 10, 3'600'000);
  f.duration("idle_timeout_ms", limits.idle_timeout, 10, 3'600'000);
  f.duration("body_timeout_ms", limits.body_timeout, 10, 3'600'000);
  f.duration("connect_timeout_ms", limits.connect_timeout, 10, 600'000);
  f.duration("upstream_timeout_ms", limits.upstream_timeout, 10, 3'600'000);
  f.duration("agent_timeout_ms", limits.agent_timeout, 10, 600'000);
  f.duration("stop_timeout_ms", limits.stop_timeout, 0, 600'000);
  return f.finish();
}

Result<void> read_log(Fields f, Config& config) {
  f.word("level", config.log.level, kLogLevels);
  f.word("format", config.log.format, kLogFormats);
  f.boolean("access", config.log.access);
  return f.finish();
}

// Else a body that a route allows would be refused as if there were only too many at the moment.
Result<void> check_bodies(const Config& config, const std::string& source) {
  for (const Route& route : config.routes.routes())
    if (config.limits.max_bodies_bytes < 2 * std::uint64_t{route.max_body_bytes})
      return fail(Code::config_invalid,
                  source + ": limits.max_bodies_bytes must be twice max_body_bytes of route '" +
                      route.name + "' at least");
  return {};
}

}  // namespace

Result<Config> load_config(const Path& file) {
  NAE_ASSIGN(toml::table document, toml_fields::parse_file(file, Code::config_invalid));
  Config config;
  const std::string source = file.string();
  const Path base = std::filesystem::absolute(file).parent_path();
  const auto fields = [&](const toml::table& table, std::string where) {
    return Fields(table, source, std::move(where), Code::config_invalid);
  };
  Fields top = fields(document, "");
  top.require("name");
  top.text("name", config.name);
  if (top.has("name") && !is_name(config.name)) top.refuse("name", "is not a valid name");
  read_addresses(top, config);
  top.path("agent_socket", config.agent_socket, base);
  top.integer("workers", config.workers, 0, 256);
  if (const toml::table* table = top.table("tls"))
    NAE_TRY(read_tls(fields(*table, "tls"), base, config));
  top.require("upstream");
  if (const toml::table* table = top.table("upstream"))
    NAE_TRY(read_upstream(fields(*table, "upstream"), base, config));
  if (const toml::table* table = top.table("limits"))
    NAE_TRY(read_limits(fields(*table, "limits"), config));
  if (const toml::table* table = top.table("log")) NAE_TRY(read_log(fields(*table, "log"), config));
  NAE_ASSIGN(config.routes, read_routes(top, source));
  NAE_TRY(top.finish());
  NAE_TRY(check_bodies(config, source));
  return config;
}

}  // namespace nae::gateway

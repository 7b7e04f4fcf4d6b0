#include "agent/config.hpp"

#include <pwd.h>

#include <charconv>

#include "agent/discovery.hpp"
#include "agent/loopback.hpp"
#include "agent/unix_role.hpp"
#include "libnae/base/log_record.hpp"
#include "libnae/base/text.hpp"
#include "libnae/toml/fields.hpp"

namespace nae::agent {
namespace {

using toml_fields::Fields;
using Path = std::filesystem::path;

constexpr std::size_t kSha256Bytes = 32;

void read_mode(Fields& f, unsigned& mode) {
  std::string text;
  f.text("socket_mode", text);
  if (text.empty()) return;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), mode, 8);
  if (error != std::errc{} || end != text.data() + text.size() || mode > 0777)
    f.refuse("socket_mode", "must be an octal text like \"0660\"");
}

void read_servers(Fields& f, std::vector<net::Endpoint>& servers) {
  std::vector<std::string> texts;
  f.texts("servers", texts);
  f.require("servers");
  for (const std::string& text : texts) {
    auto endpoint = net::parse_endpoint(text);
    if (!endpoint) return f.refuse("servers", endpoint.error().message);
    servers.push_back(*std::move(endpoint));
  }
}

void read_metrics(Fields& f, std::optional<net::Endpoint>& address) {
  std::string text;
  f.text("metrics_listen", text);
  if (!f.has("metrics_listen")) return;
  auto endpoint = net::parse_endpoint(text);
  if (!endpoint) return f.refuse("metrics_listen", endpoint.error().message);
  // It speaks without TLS and asks for no certificate.
  if (auto loopback = check_loopback(*endpoint); !loopback)
    return f.refuse("metrics_listen", loopback.error().message);
  address = *std::move(endpoint);
}

Result<void> read_tls(Fields f, const Path& base, Config& config) {
  net::TlsFiles& tls = config.tls;
  struct Row {
    std::string_view field;
    std::string* target;
  };
  for (auto [field, target] : {Row{"certificate", &tls.certificate}, Row{"key", &tls.key},
                               Row{"authority", &tls.authority}}) {
    Path path;
    f.require(field);
    f.path(field, path, base);
    *target = path.string();
  }
  f.boolean("renew", config.renewal.enabled);
  config.renewal.file = tls.certificate;
  f.path("renewed_certificate", config.renewal.file, base);
  return f.finish();
}

Result<void> read_limits(Fields f, Config& config) {
  auto& limits = config.limits;
  f.integer("max_frame_bytes", limits.wire.max_frame_bytes, 64 << 10, wire::kMaxFrameBytesCeiling);
  f.integer("max_items", limits.wire.max_items, 1, wire::kMaxItemsCeiling);
  f.integer("max_clients", limits.max_clients, 1, 100'000);
  f.integer("max_outstanding_per_client", limits.max_outstanding_per_client, 1, 65'536);
  f.integer("max_buffered_bytes", limits.max_buffered_bytes, 1 << 20, std::int64_t{1} << 40);
  f.duration("request_timeout_ms", limits.request_timeout, 10, 3'600'000);
  f.duration("unavailable_wait_ms", limits.unavailable_wait, 0, 600'000);
  f.duration("connect_timeout_ms", limits.connect_timeout, 10, 600'000);
  f.duration("stop_timeout_ms", limits.stop_timeout, 0, 600'000);
  return f.finish();
}

// `user_name`: where it was written as one.
void read_uid(Fields& f, const toml::table& table, uid_t& uid, std::string& user_name) {
  f.require("uid");
  if (!table["uid"].is_string()) return f.integer("uid", uid, 0, UINT32_MAX - 1);
  std::string name;
  f.text("uid", name);
  // As chown(1) takes it: a user's name, or the number of one that has none here.
  if (const passwd* user = ::getpwnam(name.c_str())) {
    uid = user->pw_uid;
    user_name = name;
    return;
  }
  auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), uid);
  if (error == std::errc{} && end == name.data() + name.size() && uid != static_cast<uid_t>(-1))
    return;
  f.refuse("uid", "there is no user '" + name + "', and it is no number of one");
}

void read_digests(Fields& f, std::vector<Bytes>& digests) {
  std::vector<std::string> texts;
  f.texts("sha256", texts);
  for (const std::string& text : texts) {
    auto digest = from_hex(text);
    if (!digest || digest->size() != kSha256Bytes)
      return f.refuse("sha256", "'" + text + "' is not 64 hexadecimal digits");
    digests.push_back(*std::move(digest));
  }
}

// Who says on whose behalf the program asks.
void read_roles(Fields& f, Program& program, const std::string& user_name) {
  constexpr std::string_view kUnix = "unix";
  constexpr std::string_view kWords[] = {"database", kUnix};
  std::string roles;
  f.word("roles", roles, kWords);
  if (roles != kUnix) return;
  if (!user_name.empty()) {
    program.unix_role = unix_role_of(user_name);
    return;
  }
  auto role = unix_role_of(program.uid);
  if (!role) return f.refuse("uid", role.error().message);
  program.unix_role = *std::move(role);
}

Result<Program> read_program(Fields f, const toml::table& table) {
  Program program;
  f.text("name", program.name);
  f.require("name");
  if (f.has("name") && !is_name(program.name)) f.refuse("name", "is not a valid name");
  std::string user_name;
  read_uid(f, table, program.uid, user_name);
  f.require("executable");
  f.path("executable", program.executable, "/");
  read_digests(f, program.sha256);
  f.text("systemd_unit", program.systemd_unit);
  read_roles(f, program, user_name);
  NAE_TRY(f.finish());
  // What the peer is compared with is the file itself, not a link to it.
  std::error_code error;
  Path real = std::filesystem::canonical(program.executable, error);
  if (!error) program.executable = real;
  return program;
}

Result<void> read_log(Fields f, Config& config) {
  f.word("level", config.log.level, kLogLevels);
  f.word("format", config.log.format, kLogFormats);
  return f.finish();
}

}  // namespace

Result<Config> load_config(const Path& file) {
  NAE_ASSIGN(toml::table document, toml_fields::parse_file(file, Code::config_invalid));
  Config config;
  std::string source = file.string();
  Path base = std::filesystem::absolute(file).parent_path();
  auto fields = [&](const toml::table& table, std::string where) {
    return Fields(table, source, std::move(where), Code::config_invalid);
  };
  Fields top = fields(document, "");
  top.path("socket", config.socket, base);
  read_mode(top, config.socket_mode);
  read_servers(top, config.servers);
  top.boolean("discover", config.discover);
  top.integer("connections_per_server", config.connections_per_server, 1, 16);
  read_metrics(top, config.metrics_listen);
  top.require("tls");
  if (const toml::table* table = top.table("tls"))
    NAE_TRY(read_tls(fields(*table, "tls"), base, config));
  if (const toml::table* table = top.table("limits"))
    NAE_TRY(read_limits(fields(*table, "limits"), config));
  if (const toml::table* table = top.table("log")) NAE_TRY(read_log(fields(*table, "log"), config));
  top.require("program");
  for (const toml::table* table : top.tables("program")) {
    std::string where = "program " + std::to_string(config.programs.size() + 1);
    NAE_ASSIGN(Program program, read_program(fields(*table, where), *table));
    config.programs.push_back(std::move(program));
  }
  NAE_TRY(top.finish());
  return config;
}

std::uint64_t own_descriptors(const Config& config) {
  constexpr std::uint64_t kForTheRest = 64;
  const std::uint64_t servers = config.servers.size() + (config.discover ? Discovery::kMost : 0);
  return kForTheRest + 2 * servers * config.connections_per_server;
}

}  // namespace nae::agent

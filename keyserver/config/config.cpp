#include "keyserver/config/config.hpp"

#include <bit>

#include "libnae/base/host.hpp"
#include "libnae/base/log_record.hpp"
#include "libnae/toml/fields.hpp"

namespace nae::config {
namespace {

using toml_fields::Fields;
using Path = std::filesystem::path;

constexpr std::string_view kDurabilities[] = {"write", "fsync"};
constexpr std::string_view kOnFailure[] = {"refuse", "alarm-and-continue"};

// "127.0.0.1:7443", "[::1]:7443"
Result<void> split_address(const std::string& text, std::string& host, std::uint16_t& port) {
  std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0)
    return fail(Code::config_invalid, "must be HOST:PORT");
  host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  unsigned value = 0;
  for (char c : text.substr(colon + 1)) {
    if (c < '0' || c > '9' || value > UINT16_MAX)
      return fail(Code::config_invalid, "port must be a number");
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  if (value > UINT16_MAX || colon + 1 == text.size())
    return fail(Code::config_invalid, "port must be a number from 0 to 65535");
  port = static_cast<std::uint16_t>(value);
  return {};
}

// Agents verify that the certificate there is for this host.
bool is_address_to_call(const std::string& text) {
  constexpr std::size_t kMaxHostBytes = 253;
  constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-:";
  std::string host;
  std::uint16_t port = 0;
  if (!split_address(text, host, port) || port == 0 || host.size() > kMaxHostBytes) return false;
  const bool six = host.find(':') != std::string::npos;
  return host.find_first_not_of(kLetters) == std::string::npos && six == (text.front() == '[') &&
         !is_every_interface(host);
}

void require_file(Fields& fields, std::string_view field, const Path& file) {
  fields.require(field);
  std::error_code ignored;
  if (fields.has(field) && !std::filesystem::is_regular_file(file, ignored))
    fields.refuse(field, file.string() + " is not a file");
}

constexpr std::size_t kMaxNodeBytes = 128;

bool is_name_or_empty(std::string_view text) {
  return text.find_first_not_of(
             "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") ==
         std::string_view::npos;
}

// The reader of each table; all read into one Config.
struct Reader {
  Config& config;
  const std::string& source;
  const Path& base;

  Result<void> server(Fields f) {
    std::string listen;
    f.text("listen", listen);
    if (!listen.empty())
      if (auto split = split_address(listen, config.server.host, config.server.port); !split)
        f.refuse("listen", split.error().message);
    f.text("advertise", config.server.advertise);
    if (f.has("advertise") && !is_address_to_call(config.server.advertise))
      f.refuse("advertise",
               "must be HOST:PORT, a host that agents reach and a port from 1 to 65535");
    f.integer("threads", config.server.threads, 0, 256);
    f.integer("max_connections", config.server.max_connections, 1, 100'000);
    f.integer("max_connections_per_device", config.server.max_connections_per_device, 0, 100'000);
    f.duration("stop_timeout_ms", config.server.stop_timeout, 0, 600'000);
    f.texts("proxy_protocol_from", config.server.proxy_protocol_from);
    f.boolean("device_renewal", config.server.device_renewal);
    return f.finish();
  }
  Result<void> tls(Fields f) {
    auto& tls = config.tls;
    f.path("certificate", tls.certificate, base);
    f.path("key", tls.key, base);
    f.path("client_authority", tls.client_authority, base);
    require_file(f, "certificate", tls.certificate);
    require_file(f, "key", tls.key);
    require_file(f, "client_authority", tls.client_authority);
    return f.finish();
  }
  Result<void> hsm(Fields f) {
    f.path("module", config.hsm.module, base);
    f.text("module_parameters", config.hsm.module_parameters);
    f.text("token_label", config.hsm.token_label);
    f.path("pin_file", config.hsm.pin_file, base);
    f.text("group_key_label", config.hsm.group_key_label);
    f.path("softhsm_configuration", config.hsm.softhsm_configuration, base);
    f.duration("timeout_ms", config.hsm.timeout, 100, 600'000);
    f.duration("hang_exit_ms", config.hsm.hang_exit, 1'000, 3'600'000);
    require_file(f, "module", config.hsm.module);
    require_file(f, "pin_file", config.hsm.pin_file);
    f.require("token_label");
    return f.finish();
  }
  Result<void> store(Fields f) {
    f.path("path", config.store.path, base);
    f.text("url", config.store.url);
    f.text("node", config.store.node);
    f.duration("lease_s", config.store.lease, 5, 3600);
    f.boolean("allow_asynchronous", config.store.allow_asynchronous);
    f.boolean("follow", config.store.follow);
    f.boolean("shared_token", config.store.shared_token);
    if (config.store.follow && !f.has("url"))
      f.refuse("follow", "is of a store that several key servers share, with url");
    if (!f.has("url")) f.require("path");
    if (f.has("url") && f.has("path")) f.refuse("url", "and path exclude each other");
    if (f.has("url") && !config.store.url.starts_with("postgresql://") &&
        !config.store.url.starts_with("postgres://"))
      f.refuse("url", "must begin with postgresql://");
    if (config.store.node.size() > kMaxNodeBytes || !is_name_or_empty(config.store.node))
      f.refuse("node", "must be a name of letters, digits, '.', '_' and '-'");
    return f.finish();
  }
  Result<void> keys(Fields f) {
    f.duration("destroy_wait_hours", config.keys.destroy_wait, 0, 8760);
    return f.finish();
  }
  Result<void> audit(Fields f) {
    f.path("directory", config.audit.directory, base);
    f.require("directory");
    std::string durability = "write";
    f.word("durability", durability, kDurabilities);
    config.audit.durability = durability == "fsync" ? Durability::fsync : Durability::write;
    std::string on_failure = "refuse";
    f.word("on_failure", on_failure, kOnFailure);
    config.audit.on_failure =
        on_failure == "refuse" ? OnAuditFailure::refuse : OnAuditFailure::alarm_and_continue;
    f.duration("head_interval_s", config.audit.head_interval, 1, 3600);
    f.duration("witness_interval_s", config.audit.witness_interval, 1, 3600);
    f.integer("segment_mib", config.audit.segment_mib, 1, 1024);
    f.integer("reserve_mib", config.audit.reserve_mib, 0, 1'048'576);
    f.integer("head_records", config.audit.head_records, 0, 10'000'000);
    return f.finish();
  }
  Result<void> limits(Fields f) {
    auto& limits = config.limits;
    f.integer("max_frame_bytes", limits.wire.max_frame_bytes, 64 << 10,
              wire::kMaxFrameBytesCeiling);
    f.integer("max_items", limits.wire.max_items, 1, wire::kMaxItemsCeiling);
    f.duration("frame_timeout_ms", limits.frame_timeout, 100, 600'000);
    f.integer("connection_memory_mib", limits.connection_memory_mib, 128, 1 << 20);
    f.integer("working_keys", limits.working_keys, 16, 1'000'000);
    f.duration("working_key_lifetime_s", limits.working_key_lifetime, 1, 86'400);
    f.integer("secure_memory_kib", limits.secure_memory_kib, 256, 1 << 20);
    if (!std::has_single_bit(limits.secure_memory_kib))
      f.refuse("secure_memory_kib", "must be a power of two");
    return f.finish();
  }
  Result<void> admin(Fields f) {
    auto& admin = config.admin;
    f.integer("max_connections", admin.max_connections, 1, 10'000);
    f.integer("max_connections_per_certificate", admin.max_connections_per_certificate, 1, 10'000);
    f.integer("requests_per_second", admin.requests_per_second, 1, 100'000);
    f.integer("request_burst", admin.request_burst, 1, 100'000);
    f.integer("connections_per_second", admin.connections_per_second, 1, 100'000);
    f.integer("connection_burst", admin.connection_burst, 1, 100'000);
    f.duration("request_timeout_ms", admin.request_timeout, 100, 600'000);
    f.duration("idle_timeout_ms", admin.idle_timeout, 100, 3'600'000);
    return f.finish();
  }
  Result<void> approval(Fields f) {
    config.approval.required.assign(std::begin(kApprovedByDefault), std::end(kApprovedByDefault));
    f.texts("required", config.approval.required);
    f.duration("expires_after_s", config.approval.expires_after, 1, 2'592'000);
    f.texts("by_cards", config.approval.by_cards);
    f.integer("cards", config.approval.cards, 2, 16);
    f.path("custody", config.approval.custody, base);
    // Whether it is there the start asks, and check-config: a restore is what brings it back.
    if (!config.approval.by_cards.empty()) f.require("custody");
    return f.finish();
  }
  Result<void> log(Fields f) {
    f.word("level", config.log.level, kLogLevels);
    f.word("format", config.log.format, kLogFormats);
    return f.finish();
  }
};

}  // namespace

Result<Config> load(const std::filesystem::path& file) {
  NAE_ASSIGN(toml::table document, toml_fields::parse_file(file, Code::config_invalid));
  Config config;
  std::string source = file.string();
  Path base = std::filesystem::absolute(file).parent_path();
  Reader reader{config, source, base};

  struct Section {
    std::string_view name;
    Result<void> (Reader::*read)(Fields);
    bool required;
  };
  constexpr Section kSections[] = {
      {"server", &Reader::server, false},
      {"tls", &Reader::tls, true},
      {"hsm", &Reader::hsm, true},
      {"store", &Reader::store, true},
      {"keys", &Reader::keys, false},
      {"audit", &Reader::audit, true},
      {"limits", &Reader::limits, false},
      {"admin", &Reader::admin, false},
      {"approval", &Reader::approval, false},
      {"log", &Reader::log, false},
  };
  Fields top(document, source, "", Code::config_invalid);
  for (const Section& section : kSections) {
    if (section.required) top.require(section.name);
    if (const toml::table* table = top.table(section.name))
      NAE_TRY((reader.*section.read)(
          Fields(*table, source, std::string(section.name), Code::config_invalid)));
  }
  NAE_TRY(top.finish());
  if (!config.store.url.empty() && config.server.advertise.empty() &&
      is_every_interface(config.server.host))
    return fail(
        Code::config_invalid,
        source +
            ": server.advertise: is required where server.listen is every interface "
            "and the store is one that several key servers share",
        "Say where agents reach this key server, as in advertise = \"ks1.example:7443\": its "
        "certificate must be for that host.");
  return config;
}

std::filesystem::path group_directory(const Config& config) {
  const std::filesystem::path inside =
      (config.store.path.empty() ? config.audit.directory : config.store.path).lexically_normal();
  return (inside.has_filename() ? inside : inside.parent_path()).parent_path();
}

std::string advertised(const Config& config) {
  const auto& server = config.server;
  return server.advertise.empty() ? address_text(server.host, server.port) : server.advertise;
}

std::uint64_t descriptors_wanted(const Config& config) {
  constexpr std::uint64_t kOwn = 128;
  return std::uint64_t{config.server.max_connections} + config.admin.max_connections + kOwn;
}

}  // namespace nae::config

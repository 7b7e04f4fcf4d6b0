#include "keyserver/store/postgresql/target.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <memory>

namespace nae::store::postgresql {
namespace {

struct FreeOptions {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};
struct FreeMemory {
  void operator()(char* text) const { PQfreemem(text); }
};

// A server that is gone without a word is noticed after some seconds, and the next host is asked.
constexpr std::pair<const char*, const char*> kDefaults[] = {
    {"connect_timeout", "5"},     {"tcp_user_timeout", "10000"}, {"keepalives_idle", "5"},
    {"keepalives_interval", "2"}, {"keepalives_count", "3"},
};
constexpr std::pair<const char*, const char*> kFixed[] = {
    {"target_session_attrs", "read-write"},
    {"client_encoding", "UTF8"},
    {"application_name", "nae-keyserver"},
    // GSSAPI comes before TLS where both can be had, and then nobody looks at a certificate.
    {"gssencmode", "disable"},
};
// Each release of libpq knows more; what is not here may get round the way's checks.
constexpr std::string_view kTaken[] = {
    "host",
    "port",
    "user",
    "dbname",
    "passfile",
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "sslcrl",
    "sslcrldir",
    "ssl_min_protocol_version",
    "sslsni",
    "requirepeer",
    "require_auth",
    "channel_binding",
    "connect_timeout",
    "tcp_user_timeout",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
};

tl::unexpected<Error> refused(const std::string& why, std::string hint) {
  return fail(Code::config_invalid, "the store's connection string " + why, std::move(hint));
}

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> parts(1);
  for (const char c : list) {
    if (c == ',')
      parts.emplace_back();
    else
      parts.back() += c;
  }
  return parts;
}

// A name that is resolved elsewhere is none of this machine's, "localhost" apart.
bool stays_on_this_machine(const std::string& host) {
  return host.empty() || host.front() == '/' || host.front() == '@' || host == "localhost" ||
         host == "::1" ||
         (host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string::npos);
}

const std::string* find(const Parameters& parameters, std::string_view name) {
  const auto found = std::ranges::find(parameters, name, &Parameters::value_type::first);
  return found == parameters.end() ? nullptr : &found->second;
}

}  // namespace

bool is_target(std::string_view text) {
  return text.starts_with("postgresql://") || text.starts_with("postgres://");
}

std::string Target::text() const {
  std::string text = "postgresql://";
  for (std::size_t i = 0; i < hosts.size(); ++i) text += (i > 0 ? "," : "") + hosts[i];
  return text + "/" + database;
}

Parameters Target::of_host(std::size_t host) const {
  Parameters own = parameters;
  for (auto& [name, value] : own) {
    if (name == "host") value = hosts[host];
    if (name != "port") continue;
    const std::vector<std::string> ports = split(value);
    value = ports.size() == 1 ? ports[0] : ports[host];
  }
  return own;
}

Result<Target> read_target(const std::string& text) {
  char* message = nullptr;
  const std::unique_ptr<PQconninfoOption, FreeOptions> options(
      PQconninfoParse(text.c_str(), &message));
  const std::unique_ptr<char, FreeMemory> freed(message);
  // libpq's own message quotes the string, which may hold a password.
  if (!options)
    return refused("cannot be read", "It is postgresql://USER@HOST[:PORT][,HOST...]/DATABASE.");
  Target target;
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option)
    if (option->val != nullptr && *option->val != '\0')
      target.parameters.emplace_back(option->keyword, option->val);
  for (const char* secret : {"password", "sslpassword"})
    if (find(target.parameters, secret) != nullptr)
      return refused("has a password in it",
                     "Use a client certificate (sslcert, sslkey) or a file: passfile=/path.");
  for (const auto& [name, value] : target.parameters)
    if (std::ranges::find(kTaken, name) == std::end(kTaken))
      return refused("sets " + name, "The key server decides that; leave it out.");
  const std::string* hosts = find(target.parameters, "host");
  const std::string* database = find(target.parameters, "dbname");
  if (hosts == nullptr || database == nullptr)
    return refused("names no host or no database",
                   "It is postgresql://USER@HOST[:PORT][,HOST...]/DATABASE.");
  target.hosts = split(*hosts);
  const std::string* port = find(target.parameters, "port");
  const std::size_t ports = port == nullptr ? 1 : split(*port).size();
  if (ports != 1 && ports != target.hosts.size())
    return refused("has " + std::to_string(ports) + " ports for " +
                       std::to_string(target.hosts.size()) + " hosts",
                   "Give each host its port, or all the same one.");
  target.database = *database;
  const bool leaves = !std::ranges::all_of(target.hosts, stays_on_this_machine);
  const std::string* mode = find(target.parameters, "sslmode");
  if (leaves && mode != nullptr && *mode != "verify-full")
    return refused("leaves this machine with sslmode=" + *mode,
                   "Only sslmode=verify-full, which is the default, keeps others from being taken "
                   "for the store; sslrootcert names the authority.");
  if (mode == nullptr) target.parameters.emplace_back("sslmode", leaves ? "verify-full" : "prefer");
  for (const auto& [name, value] : kDefaults)
    if (find(target.parameters, name) == nullptr) target.parameters.emplace_back(name, value);
  for (const auto& [name, value] : kFixed) target.parameters.emplace_back(name, value);
  return target;
}

}  // namespace nae::store::postgresql

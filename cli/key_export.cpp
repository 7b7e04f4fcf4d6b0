// nae key export
#include <ostream>

#include "cli/command.hpp"

namespace nae::cli {
namespace {

using admin::api::items;
using admin::api::shown;

struct ExportOptions {
  std::string name, format = "pem";
  unsigned version = 0;
};

Outcome<ExitCode> run_export(Call& call, const ExportOptions& options) {
  NAE_ANSWER(std::string name, checked_name(options.name));
  NAE_ANSWER(auto server, call.server());
  const std::string version = options.version == 0 ? "" : std::to_string(options.version);
  NAE_ANSWER(
      const json::value answer,
      server->call("GET", with_parameters("/v1/keys/" + name + "/public",
                                          {{"version", version}, {"format", options.format}})));
  // JWKs are JSON anyway: one by itself, or the set (RFC 7517 section 5).
  if (options.format == "jwk") {
    const bool one = options.version != 0 && !items(answer, "keys").empty();
    call.out << json::serialize(one ? items(answer, "keys")[0] : answer) << '\n';
    return kOk;
  }
  call.show(answer, [&] {
    for (const json::value& key : items(answer, "keys")) call.out << shown(key, "pem");
  });
  return kOk;
}

}  // namespace

void add_key_export(CLI::App& key, Action& chosen) {
  auto [leaf, options] =
      add_leaf<ExportOptions>(key, "export", "Print the public keys of a key", chosen, run_export);
  leaf->add_option("NAME", options->name, "Name of the key")->required();
  leaf->add_option("--version", options->version, "This version only")
      ->check(CLI::Range(1u, 65535u));
  leaf->add_option("--format", options->format, "pem or jwk")
      ->check(CLI::IsMember({"pem", "jwk"}))
      ->capture_default_str();
  leaf->fallthrough()->footer(
      "Without --version those of all versions that verify or will: several PEM blocks, or a JWK\n"
      "set. Secret and private keys are never exported.\n\n"
      "Examples:\n"
      "  nae key export contracts --version 1 > contracts.pub\n"
      "  nae key export contracts --format jwk > jwks.json");
}

}  // namespace nae::cli

#include "cli/profile.hpp"

#include <sys/stat.h>

#include <algorithm>

#include "cli/context.hpp"
#include "libnae/base/secret_file.hpp"
#include "libnae/toml/fields.hpp"

namespace nae::cli {
namespace {

using Path = std::filesystem::path;

Result<void> require(bool given, const char* name) {
  if (given) return {};
  return fail(Code::config_invalid, std::string("no ") + name + " is configured",
              std::string("Give --") + name +
                  ", or name a profile with --config or NAE_CONFIG; 'nae-keyserver init' writes "
                  "one to admin/cli.toml.");
}

// Nothing but host and port: a path would be put before ours, a user and password would be sent.
bool is_server(std::string_view url) {
  constexpr std::string_view kScheme = "https://";
  if (!url.starts_with(kScheme)) return false;
  url.remove_prefix(kScheme.size());
  return !url.empty() && std::all_of(url.begin(), url.end(), [](unsigned char c) {
    return c > 0x20 && c < 0x7f &&
           std::string_view("/?#@\\\"<>").find(static_cast<char>(c)) == std::string_view::npos;
  });
}

Result<void> check_file(const Path& file, bool secret) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0 || !S_ISREG(status.st_mode))
    return fail(Code::config_invalid, "cannot read " + file.string(),
                "Check the path and its permissions.");
  return secret ? check_secrecy(status, file) : Result<void>();
}

}  // namespace

Result<Profile> read_profile(const Path& file) {
  NAE_ASSIGN(toml::table document, toml_fields::parse_file(file, Code::config_invalid));
  Profile profile;
  Path base = std::filesystem::absolute(file).parent_path();
  toml_fields::Fields fields(document, file.string(), "", Code::config_invalid);
  fields.text("server", profile.server);
  fields.path("certificate", profile.certificate, base);
  fields.path("key", profile.key, base);
  fields.path("authority", profile.authority, base);
  NAE_TRY(fields.finish());
  return profile;
}

Result<Profile> resolve_profile(const ProfileOptions& options) {
  Profile profile;
  NAE_ASSIGN(const ProfileSource source, profile_source(options.config));
  if (!source.file.empty()) {
    auto read = read_profile(source.file);
    if (!read)
      return fail(Code::config_invalid, read.error().message,
                  "Correct the profile; 'nae --help' shows its fields.");
    profile = *std::move(read);
  }
  const Profile& given = options.values;
  if (!given.server.empty()) profile.server = given.server;
  if (!given.certificate.empty()) profile.certificate = given.certificate;
  if (!given.key.empty()) profile.key = given.key;
  if (!given.authority.empty()) profile.authority = given.authority;

  NAE_TRY(require(!profile.server.empty(), "server"));
  NAE_TRY(require(!profile.certificate.empty(), "certificate"));
  NAE_TRY(require(!profile.key.empty(), "key"));
  NAE_TRY(require(!profile.authority.empty(), "authority"));
  while (profile.server.ends_with('/')) profile.server.pop_back();
  if (!is_server(profile.server))
    return fail(Code::config_invalid, "the server must be given as https://host:port",
                "For example https://keys.example.com:7443");
  NAE_TRY(check_file(profile.certificate, false));
  NAE_TRY(check_file(profile.key, true));
  NAE_TRY(check_file(profile.authority, false));
  return profile;
}

}  // namespace nae::cli

#include "cli/profile.hpp"

#include <sys/stat.h>

#include <cstdlib>

#include "libnae/toml/fields.hpp"

namespace nae::cli {
namespace {

using Path = std::filesystem::path;

// Empty when the person has no profile file.
Path profile_file(const std::string& option) {
  if (!option.empty()) return option;
  if (const char* named = std::getenv("NAE_CONFIG"); named && *named) return named;
  Path directory;
  if (const char* config = std::getenv("XDG_CONFIG_HOME"); config && *config)
    directory = config;
  else if (const char* home = std::getenv("HOME"); home && *home)
    directory = Path(home) / ".config";
  else
    return {};
  Path file = directory / "nae" / "cli.toml";
  std::error_code ignored;
  return std::filesystem::exists(file, ignored) ? file : Path();
}

Result<void> require(bool given, const char* name) {
  if (given) return {};
  return fail(Code::config_invalid, std::string("no ") + name + " is configured",
              std::string("Give --") + name +
                  ", or name a profile with --config or NAE_CONFIG; 'nae-keyserver init' writes "
                  "one to admin/cli.toml.");
}

Result<void> check_file(const Path& file, bool secret) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0 || !S_ISREG(status.st_mode))
    return fail(Code::config_invalid, "cannot read " + file.string(),
                "Check the path and its permissions.");
  if (secret && (status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    return fail(Code::config_invalid, file.string() + " may be read by others than its owner",
                "chmod 600 " + file.string());
  return {};
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
  if (Path file = profile_file(options.config); !file.empty()) {
    auto read = read_profile(file);
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
  if (!profile.server.starts_with("https://"))
    return fail(Code::config_invalid, "the server must be given as https://host:port",
                "For example https://keys.example.com:7443");
  while (profile.server.ends_with('/')) profile.server.pop_back();
  NAE_TRY(check_file(profile.certificate, false));
  NAE_TRY(check_file(profile.key, true));
  NAE_TRY(check_file(profile.authority, false));
  return profile;
}

}  // namespace nae::cli

#include "cli/context.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>

#include "cli/nearest.hpp"
#include "libnae/base/file.hpp"
#include "libnae/base/text.hpp"

namespace nae::cli {
namespace {

using Path = std::filesystem::path;

constexpr std::size_t kMaxUseFileBytes = 256;
constexpr unsigned kOwnerOnly = S_IRUSR | S_IWUSR;
constexpr std::string_view kExtension = ".toml";

Result<void> check_name(const std::string& name) {
  if (is_name(name)) return {};
  return fail(Code::invalid_argument, "\"" + name + "\" is not a name of a context",
              "Names are 1 to 128 letters, digits, '.', '_' and '-', starting with a letter or "
              "digit.");
}

// A TOML literal string, which has no escapes.
Result<std::string> literal(const std::string& text) {
  if (text.find_first_of("'\n\r") != std::string::npos)
    return fail(Code::invalid_argument, "a profile cannot name " + text,
                "Give the file another name, without an apostrophe.");
  return "'" + text + "'";
}

// Of a variable; empty counts as not set.
std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

}  // namespace

Result<ProfileSource> profile_source(const std::string& config) {
  const Path directory = configuration_directory();
  const Contexts contexts(directory);
  if (!config.empty()) {
    const Path file = config;
    const bool is_context = !directory.empty() && file.parent_path() == directory / "contexts";
    return ProfileSource{file, is_context ? "context " + file.stem().string() : "--config"};
  }
  auto of_context = [&](const std::string& name, const char* by) -> Result<ProfileSource> {
    NAE_ASSIGN(Path file, contexts.profile_of(name));
    return ProfileSource{file, "context " + name + by};
  };
  if (auto file = environment("NAE_CONFIG"); !file.empty())
    return ProfileSource{file, "NAE_CONFIG"};
  if (auto name = environment("NAE_CONTEXT"); !name.empty())
    return of_context(name, ", NAE_CONTEXT");
  NAE_ASSIGN(const std::string used, contexts.in_use());
  if (!used.empty()) return of_context(used, ", in use");
  std::error_code ignored;
  if (!directory.empty() && std::filesystem::exists(directory / "cli.toml", ignored))
    return ProfileSource{directory / "cli.toml", "the usual one"};
  return ProfileSource{{}, "options and environment"};
}

Path configuration_directory() {
  if (auto config = environment("XDG_CONFIG_HOME"); !config.empty()) return Path(config) / "nae";
  if (auto home = environment("HOME"); !home.empty()) return Path(home) / ".config" / "nae";
  return {};
}

std::vector<std::string> Contexts::names() const {
  std::vector<std::string> found;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(directory_ / "contexts", none)) {
    const std::string name = entry.path().stem().string();
    if (entry.path().extension() == kExtension && is_name(name)) found.push_back(name);
  }
  std::sort(found.begin(), found.end());
  return found;
}

Result<std::string> Contexts::in_use() const {
  std::error_code ignored;
  if (directory_.empty() || !std::filesystem::exists(use_file(), ignored)) return std::string();
  NAE_ASSIGN(std::string name, read_file(use_file(), kMaxUseFileBytes));
  if (!name.empty() && name.back() == '\n') name.pop_back();
  if (!is_name(name))
    return fail(Code::config_invalid, use_file().string() + " names no context",
                "nae context use NAME writes it anew.");
  return name;
}

Result<Path> Contexts::profile_of(const std::string& name) const {
  NAE_TRY(check_name(name));
  std::error_code ignored;
  if (std::filesystem::exists(file_of(name), ignored)) return file_of(name);
  const std::string guess = nearest(name, names());
  return fail(
      Code::invalid_argument,
      "no context \"" + name + "\"" + (guess.empty() ? "" : "; did you mean \"" + guess + "\"?"),
      "'nae context list' shows those that are there.");
}

Result<void> Contexts::add(const std::string& name, const Profile& profile) const {
  NAE_TRY(check_name(name));
  if (directory_.empty())
    return fail(Code::config_invalid, "there is no home directory to keep a context in",
                "Set HOME or XDG_CONFIG_HOME.");
  if (name_is_taken(file_of(name)))
    return fail(Code::invalid_argument, "there is a context \"" + name + "\" already",
                "nae context remove " + name + ", or choose another name.");
  std::string text = "# Made by nae context add.\n";
  const std::pair<const char*, std::string> fields[] = {
      {"server", profile.server},
      {"certificate", std::filesystem::absolute(profile.certificate).string()},
      {"key", std::filesystem::absolute(profile.key).string()},
      {"authority", std::filesystem::absolute(profile.authority).string()}};
  for (const auto& [field, value] : fields) {
    NAE_ASSIGN(std::string quoted, literal(value));
    text += std::string(field) + " = " + quoted + "\n";
  }
  std::error_code error;
  std::filesystem::create_directories(directory_ / "contexts", error);
  if (error)
    return fail(Code::file_failed,
                "cannot make " + (directory_ / "contexts").string() + ": " + error.message());
  return write_new_file(file_of(name), as_bytes(text), kOwnerOnly);
}

Result<void> Contexts::use(const std::string& name) const {
  NAE_TRY(profile_of(name));
  return replace_file(use_file(), as_bytes(name + "\n"), kOwnerOnly);
}

Result<void> Contexts::remove(const std::string& name) const {
  NAE_ASSIGN(Path file, profile_of(name));
  // First what leads there: a context in use that is gone would stop every command.
  if (auto used = in_use(); used && *used == name) {
    std::error_code error;
    if (!std::filesystem::remove(use_file(), error))
      return fail(Code::file_failed,
                  "cannot remove " + use_file().string() + ": " + error.message());
  }
  std::error_code error;
  if (!std::filesystem::remove(file, error))
    return fail(Code::file_failed, "cannot remove " + file.string() + ": " + error.message());
  return {};
}

}  // namespace nae::cli

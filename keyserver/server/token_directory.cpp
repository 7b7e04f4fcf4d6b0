#include "keyserver/server/token_directory.hpp"

#include <sstream>

#include "libnae/base/file.hpp"

namespace nae::server {

std::optional<std::filesystem::path> token_directory(
    const std::filesystem::path& softhsm_configuration) {
  constexpr std::size_t kMaxBytes = 64u << 10;
  constexpr std::string_view kField = "directories.tokendir", kBlanks = " \t\r";
  const auto text = read_file(softhsm_configuration, kMaxBytes);
  if (!text) return std::nullopt;
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(kField)) continue;
    const std::size_t equals = line.find('=');
    if (equals == std::string::npos) continue;
    const std::size_t from = line.find_first_not_of(kBlanks, equals + 1);
    if (from == std::string::npos) continue;
    return line.substr(from, line.find_last_not_of(kBlanks) + 1 - from);
  }
  return std::nullopt;
}

Result<void> check_token_directory(const std::filesystem::path& softhsm_configuration) {
  const auto directory = token_directory(softhsm_configuration);
  std::error_code error;
  if (!directory || std::filesystem::is_directory(*directory, error)) return {};
  return fail(Code::hsm_token_missing,
              "there is no token directory " + directory->string() + ", which " +
                  softhsm_configuration.string() + " names",
              "Correct directories.tokendir there, or bring the directory back.");
}

}  // namespace nae::server

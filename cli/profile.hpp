// Profile: which key server, and who we are to it. From options, or from a TOML file such as
// `nae-keyserver init` writes.
#pragma once

#include <filesystem>
#include <string>

#include "libnae/base/result.hpp"

namespace nae::cli {

struct Profile {
  std::string server;                 // "https://host:port"
  std::filesystem::path certificate;  // PEM of an admin certificate
  std::filesystem::path key;          // PEM of its private key
  std::filesystem::path authority;    // PEM of the authority that the server's certificate is from
};

// What was given on the command line; empty: not given.
struct ProfileOptions {
  std::string config;
  Profile values;
};

// The file: --config, else $NAE_CONFIG, else ~/.config/nae/cli.toml where it exists. Options win
// over the file field by field. Code::config_invalid when something is missing or the private key
// may be read by others than its owner.
Result<Profile> resolve_profile(const ProfileOptions& options);

// Fields server, certificate, key, authority; relative paths start at the file's directory.
Result<Profile> read_profile(const std::filesystem::path& file);

}  // namespace nae::cli

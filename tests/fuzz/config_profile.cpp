// libFuzzer: the profile of nae(1). It is refused with a line and a field, or its paths are
// absolute, so that they mean the same from every directory.
#include "cli/profile.hpp"
#include "tests/fuzz/memory_file.hpp"
#include "tests/fuzz/toml_mutator.hpp"

using namespace nae;
using namespace nae::fuzz;

NAE_MUTATE_TOML

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const MemoryFile file;
  file.write(text_of(data, size));
  auto profile = cli::read_profile(file.path());
  if (!profile) {
    require_refusal(profile.error(), Code::config_invalid);
    require(profile.error().message.find("/proc/self/fd/100:") == 0);
    return 0;
  }
  for (const auto& path : {profile->certificate, profile->key, profile->authority})
    require(path.empty() || path.is_absolute());
  // What is used of it is a server of ours alone, or refused.
  auto resolved = cli::resolve_profile({file.path().string(), {}});
  if (!resolved) {
    require_refusal(resolved.error());
    return 0;
  }
  require(resolved->server.starts_with("https://"));
  const std::string_view rest = std::string_view(resolved->server).substr(8);
  require(!rest.empty() && rest.find_first_of("/?#@\\ ") == rest.npos);
  return 0;
}

#include "keyserver/server/backup.hpp"

#include <vector>

#include "keyserver/store/backup.hpp"
#include "libnae/base/file.hpp"
#include "libnae/base/text.hpp"
#include "libnae/crypto/hash.hpp"

namespace nae::server {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxStoreBytes = std::size_t{4} << 30;
constexpr std::size_t kMaxFileBytes = 16u << 20;
constexpr unsigned kMode = 0600;

// A name with a newline would make two lines of one: sha256sum escapes it, we refuse it.
Result<std::string> line_of(const fs::path& file, std::size_t max_bytes) {
  const std::string name = fs::absolute(file).string();
  if (name.find_first_of("\n\\") != std::string::npos)
    return fail(Code::file_failed, "a path with a backslash or a newline is in no manifest");
  NAE_ASSIGN(const std::string content, read_file(file, max_bytes));
  return to_hex(crypto::sha256(as_bytes(content))) + "  " + name + "\n";
}

std::string heading(const config::Config& config, const store::BackedUp& done) {
  return "# nae-keyserver backup: " + std::to_string(done.keys) + " keys, " +
         std::to_string(done.versions) +
         " versions; check it with sha256sum --check\n"
         "# not in it, and needed for a restore: the token, " +
         config.hsm.pin_file.string() + ", " + config.tls.key.string() + ", " +
         config.audit.directory.string() + "\n";
}

}  // namespace

Result<Backup> back_up(const fs::path& config_file, const config::Config& config,
                       const fs::path& out) {
  Backup backup;
  backup.manifest = out;
  backup.manifest += ".manifest";
  if (name_is_taken(backup.manifest))
    return fail(Code::file_failed,
                backup.manifest.string() + " exists already and is not overwritten",
                "Give each backup a name of its own.");
  NAE_ASSIGN(const store::BackedUp done, store::back_up(config.store.path, out));
  std::string manifest = heading(config, done);
  NAE_ASSIGN(const std::string copied, line_of(out, kMaxStoreBytes));
  manifest += copied;
  for (const fs::path* file :
       {&config_file, &config.tls.certificate, &config.tls.client_authority}) {
    NAE_ASSIGN(const std::string line, line_of(*file, kMaxFileBytes));
    manifest += line;
  }
  NAE_TRY(write_new_file(backup.manifest, as_bytes(manifest), kMode));
  backup.keys = done.keys;
  backup.versions = done.versions;
  return backup;
}

}  // namespace nae::server

#include "keyserver/server/backup.hpp"

#include <vector>

#include "keyserver/store/sqlite/backup.hpp"
#include "libnae/base/file.hpp"
#include "libnae/base/text.hpp"
#include "libnae/crypto/hash.hpp"

namespace nae::server {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxStoreBytes = std::size_t{4} << 30;
constexpr std::size_t kMaxLineBytes = 16u << 20;
constexpr unsigned kMode = 0600;

// A name with a newline would make two lines of one: sha256sum escapes it, we refuse it.
Result<void> check_name(const fs::path& file) {
  if (fs::absolute(file).string().find_first_of("\n\\") == std::string::npos) return {};
  return fail(Code::file_failed, "a path with a backslash or a newline is in no manifest");
}

Result<std::string> line_of(const fs::path& file, std::size_t max_bytes) {
  NAE_TRY(check_name(file));
  NAE_ASSIGN(const std::string content, read_file(file, max_bytes));
  return to_hex(crypto::sha256(as_bytes(content))) + "  " + fs::absolute(file).string() + "\n";
}

std::string heading(const config::Config& config, const store::sqlite::BackedUp& done) {
  return "# nae-keyserver backup: " + std::to_string(done.keys) + " keys, " +
         std::to_string(done.versions) +
         " versions; check it with sha256sum --check\n"
         "# not in it, and needed for a restore: the token, " +
         config.hsm.pin_file.string() + ", " + config.tls.key.string() + ", " +
         config.audit.directory.string() + "\n";
}

Result<void> write_manifest(const fs::path& manifest, const std::string& head, const fs::path& copy,
                            const std::string& beside) {
  NAE_ASSIGN(const std::string copied, line_of(copy, kMaxStoreBytes));
  return write_new_file(manifest, as_bytes(head + copied + beside), kMode);
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
  // Whatever can be refused is refused before there is a copy.
  NAE_TRY(check_name(out));
  std::string beside;
  for (const fs::path* file :
       {&config_file, &config.tls.certificate, &config.tls.client_authority}) {
    NAE_ASSIGN(const std::string line, line_of(*file, kMaxLineBytes));
    beside += line;
  }
  NAE_ASSIGN(const store::sqlite::BackedUp done, store::sqlite::back_up(config.store.path, out));
  if (auto written = write_manifest(backup.manifest, heading(config, done), out, beside);
      !written) {
    std::error_code ignored;  // a copy without its manifest is no backup, and its name is taken
    fs::remove(out, ignored);
    return fail(std::move(written).error());
  }
  backup.keys = done.keys;
  backup.versions = done.versions;
  return backup;
}

}  // namespace nae::server

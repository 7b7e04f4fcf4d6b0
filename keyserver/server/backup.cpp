#include "keyserver/server/backup.hpp"

#include <optional>
#include <vector>

#include "keyserver/server/custody_in_force.hpp"
#include "keyserver/server/file_digest.hpp"
#include "keyserver/setup/custody.hpp"
#include "keyserver/store/sqlite/backup.hpp"
#include "libnae/base/file.hpp"

namespace nae::server {
namespace {

namespace fs = std::filesystem;

constexpr unsigned kMode = 0600;

// A name with a newline would make two lines of one: sha256sum escapes it, we refuse it.
Result<void> check_name(const fs::path& file) {
  if (fs::absolute(file).string().find_first_of("\n\\") == std::string::npos) return {};
  return fail(Code::file_failed, "a path with a backslash or a newline is in no manifest");
}

Result<std::string> line_of(const fs::path& file) {
  NAE_TRY(check_name(file));
  NAE_ASSIGN(const std::string digest, digest_of_file(file));
  return digest + "  " + fs::absolute(file).string() + "\n";
}

struct OwnCustody {
  fs::path file;
  std::string content = {};
  custody::CustodySet set = {};
};
// Nothing for a group that was made before there was custody. A copy of one that restores nothing
// would be found out on the day it is needed.
Result<std::optional<OwnCustody>> custody_of(const config::Config& config) {
  OwnCustody own{.file = config::group_directory(config) / setup::kCustodyFile};
  if (!name_is_taken(own.file)) return std::optional<OwnCustody>();
  NAE_ASSIGN(own.content, read_file(own.file, custody::kMaxSetBytes));
  auto set = custody::parse_custody_set(as_bytes(own.content));
  auto good = set ? custody::check_signature(*set) : Result<void>(fail(set.error()));
  if (!good) {
    good.error().message = own.file.string() + ": " + good.error().message;
    return fail(std::move(good).error());
  }
  own.set = *std::move(set);
  return std::optional(std::move(own));
}

// Nor does that of former custodians restore anything: what the copied ledger knows is refused
// then.
Result<void> refuse_former_of(const store::sqlite::BackedUp& done, const OwnCustody& own) {
  if (!done.custody) return {};
  NAE_ASSIGN(const CustodyInForce known, parse_custody_fact(*done.custody));
  return refuse_superseded(known, own.set, own.file);
}

std::string heading(const config::Config& config, const store::sqlite::BackedUp& done) {
  return "# nae-keyserver backup: " + std::to_string(done.keys) + " keys, " +
         std::to_string(done.versions) +
         " versions; check it with sha256sum --check\n"
         "# not in it, and needed for a restore: the token, " +
         config.hsm.pin_file.string() + ", " + config.tls.key.string() + ", " +
         config.audit.directory.string() + "\n";
}

fs::path beside(const fs::path& out, const char* suffix) {
  fs::path named = out;
  named += suffix;
  return named;
}

Result<void> refuse_taken(const fs::path& file) {
  if (!name_is_taken(file)) return {};
  return fail(Code::file_failed, file.string() + " exists already and is not overwritten",
              "Give each backup a name of its own.");
}

Result<void> write_manifest(const fs::path& manifest, const std::string& head, const fs::path& copy,
                            const std::string& lines) {
  NAE_ASSIGN(const std::string copied, line_of(copy));
  return write_new_file(manifest, as_bytes(head + copied + lines), kMode);
}

}  // namespace

Result<Backup> back_up(const fs::path& config_file, const config::Config& config,
                       const fs::path& out) {
  Backup backup;
  backup.manifest = beside(out, ".manifest");
  NAE_TRY(refuse_taken(backup.manifest));
  // The manifest comes last.
  if (name_is_taken(out))
    return fail(Code::file_failed,
                out.string() +
                    " is there without a manifest: a backup that was interrupted, or "
                    "none",
                "Remove it, and " + beside(out, ".custody").string() +
                    " if that is there, or give the backup another name.");
  NAE_ASSIGN(const std::optional<OwnCustody> custody, custody_of(config));
  if (custody) {
    NAE_TRY(refuse_superseded_in_group(config, custody->set, custody->file));
    backup.custody = beside(out, ".custody");
    NAE_TRY(refuse_taken(backup.custody));
  }
  // Whatever can be refused is refused before there is a copy.
  if (config.store.path.empty())
    return fail(
        Code::unsupported, "the store is a PostgreSQL, which backs itself up",
        "Use pg_basebackup with archived WAL, or pg_dump -n nae_store, and keep custody.nae "
        "and the configuration beside it.");
  NAE_TRY(check_name(out));
  std::string lines;
  for (const fs::path* file :
       {&config_file, &config.tls.certificate, &config.tls.client_authority}) {
    NAE_ASSIGN(const std::string line, line_of(*file));
    lines += line;
  }
  NAE_ASSIGN(const store::sqlite::BackedUp done, store::sqlite::back_up(config.store.path, out));
  auto written = custody ? refuse_former_of(done, *custody) : Result<void>();
  if (written && custody)
    written = write_new_file(backup.custody, as_bytes(custody->content), kMode);
  const bool custody_written = custody && written;
  if (custody_written) {
    auto line = line_of(backup.custody);
    written = line ? Result<void>() : Result<void>(fail(line.error()));
    lines += line.value_or("");
  }
  if (written) written = write_manifest(backup.manifest, heading(config, done), out, lines);
  if (!written) {
    std::error_code ignored;  // a copy without its manifest is no backup, and its name is taken
    fs::remove(out, ignored);
    if (custody_written) fs::remove(backup.custody, ignored);
    return fail(std::move(written).error());
  }
  backup.keys = done.keys;
  backup.versions = done.versions;
  return backup;
}

}  // namespace nae::server

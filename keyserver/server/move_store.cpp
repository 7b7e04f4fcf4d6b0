#include "keyserver/server/move_store.hpp"

#include "keyserver/audit/directory_lock.hpp"
#include "keyserver/server/open_store.hpp"
#include "keyserver/server/store_commands.hpp"
#include "keyserver/setup/move_store.hpp"
#include "libnae/base/text.hpp"

namespace nae::server {

Result<std::string> move_store(const config::Config& config, const std::string& url) {
  NAE_ASSIGN(const auto target, store::postgresql::read_target(url));
  if (config.store.path.empty())
    return fail(Code::conflict, "the store is in a PostgreSQL already");
  NAE_ASSIGN(const store::LedgerReport verified, verify_store(config));
  NAE_ASSIGN(const audit::SharedFile no_server, audit::lock_directory(config.audit.directory));
  NAE_ASSIGN(const setup::MovedStore moved,
             setup::move_store(config.store.path, target, node_of(config)));
  if (moved.newest != verified.head.hash)
    return fail(Code::store_corrupt, "the store was changed while it was moved",
                "DROP SCHEMA nae_store CASCADE, and move it again.");
  std::filesystem::path kept = config.store.path;
  kept += ".moved";
  std::error_code error;
  std::filesystem::rename(config.store.path, kept, error);
  if (error)
    return fail(Code::file_failed,
                "the store is moved, but " + config.store.path.string() +
                    " could not be renamed: " + error.message(),
                "Take it away: it must not be served from any more.");
  return "the store is moved: " + std::to_string(moved.rows) + " rows and " +
         std::to_string(moved.changes) + " changes, each compared\n  newest change  " +
         to_hex(moved.newest) + "\n  the old file   " + kept.string() +
         "   (keep it until the next backup)\n";
}

}  // namespace nae::server

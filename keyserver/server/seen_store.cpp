#include "keyserver/server/seen_store.hpp"

#include "keyserver/group/seen_file.hpp"
#include "keyserver/group/store_watch.hpp"

namespace nae::server {

std::filesystem::path seen_file(const config::Config& config) {
  return config::group_directory(config) / group::kSeenFile;
}

Result<std::shared_ptr<const store::LedgerKey>> ledger_key_of(store::Meta& store, keys::Hsm& hsm) {
  NAE_ASSIGN(const bool begun, hsm.has_ledger());
  if (!begun) return nullptr;
  NAE_ASSIGN(const auto server_id, store.meta("server_id"));
  if (!server_id) return fail(Code::store_corrupt, "the store has no server_id");
  NAE_ASSIGN(const crypto::SecretBytes key, hsm.ledger_key(*server_id));
  return std::make_shared<const store::LedgerKey>(key);
}

Result<std::optional<std::string>> behind_what_was_seen(const config::Config& config,
                                                        store::Store& store, keys::Hsm& hsm) {
  if (config.store.url.empty()) return std::nullopt;
  NAE_ASSIGN(const auto key, ledger_key_of(store, hsm));
  if (!key) return std::nullopt;
  const auto seen = group::read_seen(seen_file(config), *key);
  if (!seen) return seen.error().message;
  if (!*seen) return std::nullopt;
  NAE_ASSIGN(const auto hash, store.change_hash((*seen)->epoch));
  if (hash == (*seen)->hash) return std::nullopt;
  return group::went_back(**seen, hash.has_value()).value().message;
}

Result<void> check_what_was_seen(const config::Config& config, store::Store& store,
                                 keys::Hsm& hsm) {
  NAE_ASSIGN(const std::optional<std::string> behind, behind_what_was_seen(config, store, hsm));
  if (!behind) return {};
  return fail(Code::store_rolled_back, *behind);
}

Result<void> believe_store(const config::Config& config, store::Store& store, keys::Hsm& hsm) {
  if (config.store.url.empty()) return {};
  NAE_ASSIGN(const auto key, ledger_key_of(store, hsm));
  if (!key) return {};
  return group::write_seen(seen_file(config), store.ledger_head(), *key);
}

}  // namespace nae::server

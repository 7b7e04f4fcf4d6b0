#include "keyserver/setup/take_up_ledger.hpp"

namespace nae::setup {
namespace {

Result<store::LedgerSettings> settings_of(store::Store& store, keys::Hsm& hsm) {
  NAE_ASSIGN(const auto server_id, store.meta("server_id"));
  if (!server_id) return fail(Code::store_corrupt, "the store has no server_id");
  NAE_ASSIGN(const crypto::SecretBytes key, hsm.ledger_key(*server_id));
  return store::LedgerSettings{std::make_shared<store::LedgerKey>(key), *server_id, {}};
}

BegunLedger begun_of(const store::LedgerReport& report) {
  return {"the " + std::to_string(report.rows) +
          " rows of the store as they stood are its first changes"};
}

// One that was begun, and of which the log may know already: another one in its place would have
// another hash, and so be a store that was put back.
Result<BegunLedger> go_on(store::Store& store, keys::Hsm& hsm) {
  auto settings = settings_of(store, hsm);
  if (!settings && settings.error().code == Code::not_found)
    return fail(Code::store_rolled_back,
                "the store has a ledger, and the HSM holds no key that could read it",
                "Bring the token back as it was (nae-keyserver restore); if the key is lost for "
                "good, see 'nae-keyserver accept-store-rollback'.");
  NAE_TRY(settings);
  NAE_ASSIGN(const store::LedgerReport report, store.open_ledger(*std::move(settings)));
  return begun_of(report);
}

}  // namespace

Result<BegunLedger> begin_ledger(store::Store& store, keys::Hsm& hsm) {
  NAE_ASSIGN(store::LedgerSettings settings, settings_of(store, hsm));
  NAE_ASSIGN(const store::LedgerReport report, store.begin_ledger(std::move(settings)));
  return begun_of(report);
}

Result<std::optional<BegunLedger>> take_up_ledger(store::Store& store, keys::Hsm& hsm) {
  NAE_ASSIGN(const bool held, hsm.has_ledger());
  NAE_ASSIGN(const bool exists, store.has_ledger());
  if (!held) {
    if (!exists) NAE_TRY(hsm.begin_ledger());
    return (exists ? go_on(store, hsm) : begin_ledger(store, hsm)).map([](BegunLedger begun) {
      return std::optional(std::move(begun));
    });
  }
  if (!exists)
    return fail(Code::store_rolled_back,
                "the store has no ledger, and the HSM knows that it had one",
                "Was the store brought back from a backup of an older server? Bring back one of "
                "this release; if there is none, see 'nae-keyserver accept-store-rollback'.");
  NAE_ASSIGN(store::LedgerSettings settings, settings_of(store, hsm));
  NAE_TRY(store.open_ledger(std::move(settings)));
  return std::nullopt;
}

}  // namespace nae::setup

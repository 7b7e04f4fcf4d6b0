#include "keyserver/server/store_commands.hpp"

#include <unistd.h>

#include "keyserver/audit/directory_lock.hpp"
#include "keyserver/server/hsm_options.hpp"
#include "keyserver/server/offline_ledger.hpp"
#include "keyserver/server/offline_log.hpp"
#include "keyserver/server/open_store.hpp"
#include "keyserver/server/seen_store.hpp"
#include "keyserver/server/store_and_log.hpp"
#include "keyserver/setup/initialise.hpp"
#include "keyserver/setup/reason.hpp"
#include "keyserver/setup/take_up_ledger.hpp"
#include "keyserver/setup/token_binding.hpp"
#include "keyserver/store/acting.hpp"

namespace nae::server {
namespace {

struct StoreAndHsm {
  std::unique_ptr<store::Store> store;
  std::unique_ptr<hsm::Pkcs11Hsm> hsm;
};

enum class For { writing, writing_when_over, reading };

Result<std::unique_ptr<store::Store>> open_for(const config::Config& config, For what) {
  switch (what) {
    case For::writing:
      return open_store(config);
    case For::writing_when_over:
      return open_store_when_over(config);
    case For::reading:
      break;
  }
  return read_store(config);
}

Result<StoreAndHsm> open_both(const config::Config& config, For what = For::writing) {
  if (!config.hsm.softhsm_configuration.empty())
    setup::use_softhsm_configuration(config.hsm.softhsm_configuration);
  StoreAndHsm both;
  NAE_ASSIGN(both.store, open_for(config, what));
  NAE_ASSIGN(both.hsm, hsm::Pkcs11Hsm::open(hsm_options(config)));
  NAE_TRY(setup::check_token(*both.store, *both.hsm));
  return both;
}

// Somebody else is in charge of the store, by whom it was accepted: only what this key server has
// seen is in the way, and nothing is written into the store.
Result<std::string> accept_beside(const config::Config& config, const std::string& reason,
                                  const Error& in_charge) {
  NAE_ASSIGN(const StoreAndHsm both, open_both(config, For::reading));
  NAE_TRY(take_up_ledger_if_there(*both.store, *both.hsm));
  NAE_ASSIGN(const LogOfStore log, log_of_store(config.audit.directory, *both.hsm));
  if (auto checked = check_store_and_log(*both.store, log); !checked) {
    Error error = in_charge;
    error.message += ", and the audit log here is ahead of the store: " + checked.error().message;
    error.hint = "Stop that one, and accept it here while nobody is in charge.";
    return fail(std::move(error));
  }
  NAE_ASSIGN(const auto wrong, behind_what_was_seen(config, *both.store, *both.hsm));
  if (!wrong) return fail(in_charge);
  NAE_TRY(believe_store(config, *both.store, *both.hsm));
  return "accepted by uid " + std::to_string(::getuid()) + ": " + reason + "; " + *wrong +
         "\nthe audit log here has no record of it: " + in_charge.message;
}

}  // namespace

Result<store::LedgerReport> verify_store(const config::Config& config) {
  NAE_ASSIGN(const audit::SharedFile no_server, audit::lock_directory(config.audit.directory));
  NAE_ASSIGN(const StoreAndHsm both, open_both(config));
  NAE_ASSIGN(const bool held, both.hsm->has_ledger());
  if (!held)
    return fail(Code::conflict, "the store has no ledger yet",
                "Start the server: it begins one, once.");
  NAE_TRY(setup::take_up_ledger(*both.store, *both.hsm));
  NAE_ASSIGN(const store::LedgerReport report, both.store->verify_ledger());
  NAE_ASSIGN(const LogOfStore log, log_of_store(config.audit.directory, *both.hsm));
  NAE_TRY(check_store_and_log(*both.store, log));
  NAE_TRY(check_what_was_seen(config, *both.store, *both.hsm));
  return report;
}

Result<std::string> accept_store_rollback(const config::Config& config, const std::string& reason) {
  NAE_TRY(setup::check_reason(reason));
  auto opened = open_both(config, For::writing_when_over);
  if (!opened && opened.error().code == Code::server_unavailable)
    return accept_beside(config, reason, opened.error());
  if (!opened) return fail(opened.error());
  const StoreAndHsm both = *std::move(opened);
  NAE_ASSIGN(const bool held, both.hsm->has_ledger());
  NAE_ASSIGN(const bool exists, both.store->has_ledger());
  const store::Acting acting("nae-keyserver accept-store-rollback");
  bool keyless = false;
  if (exists) {
    const auto taken = setup::take_up_ledger(*both.store, *both.hsm);
    keyless = !taken && taken.error().code == Code::store_rolled_back;
    if (!taken && !keyless) return fail(taken.error());
  }
  NAE_ASSIGN(OfflineLog log,
             OfflineLog::open(config, *both.store, *both.hsm, "nae-keyserver accept-store-rollback",
                              *both.store, OlderStore::accepted));
  std::optional<std::string> wrong;
  if (keyless) {
    wrong = "the store has a ledger, and the HSM holds no key that could read it";
  } else if (held && !exists) {
    wrong = "the store has no ledger, and the HSM knows that it had one";
  } else if (exists) {
    wrong = log.behind();
  }
  if (!wrong)
    return fail(Code::conflict, "the store is not behind what the server knew",
                "Start the server; if it refuses the store, a hand has changed it.");
  const std::string written =
      "accepted by uid " + std::to_string(::getuid()) + ": " + reason + "; " + *wrong;
  // What the log says was done: a store that takes no changes now is found out before.
  NAE_TRY(both.store->check());
  NAE_TRY(log.record("store-rollback-accepted", written));
  if (keyless) NAE_TRY(both.hsm->begin_ledger());
  if (!exists || keyless) NAE_TRY(setup::begin_ledger(*both.store, *both.hsm));
  // Two histories must not meet again at one number: this one goes on by a change that says so.
  NAE_TRY(both.store->note_rollback_accepted());
  if (keyless) NAE_TRY(both.hsm->finish_ledger());
  NAE_TRY(believe_store(config, *both.store, *both.hsm));
  return written;
}

}  // namespace nae::server

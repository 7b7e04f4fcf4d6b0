#include "keyserver/server/opened.hpp"

#include <sys/statvfs.h>

#include "keyserver/server/custody_in_force.hpp"
#include "keyserver/server/hsm_options.hpp"
#include "keyserver/server/part_options.hpp"
#include "keyserver/server/seen_store.hpp"
#include "keyserver/server/token_directory.hpp"
#include "keyserver/server/unfinished_restore.hpp"
#include "keyserver/setup/initialise.hpp"
#include "keyserver/setup/token_binding.hpp"
#include "libnae/base/file.hpp"
#include "libnae/base/text.hpp"
#include "libnae/crypto/random.hpp"

namespace nae::server {
namespace {

constexpr std::size_t kMaxAuthorityBytes = 64u << 10;
constexpr std::size_t kRunBytes = 16;

// SoftHSM rewrites its token at every login, and one that did not fit opens with no PIN any more:
// on a full disk nothing is tried.
Result<void> check_room(const std::filesystem::path& directory, Code code) {
  struct statvfs disk {};
  if (::statvfs(directory.c_str(), &disk) != 0 || disk.f_blocks == 0) return {};
  if (disk.f_bavail > 0) return {};
  return fail(code, "the disk of " + directory.string() + " is full", "Free space on it.");
}

Result<void> connect_hsm(const config::Config& config, Opening& opening) {
  if (!config.hsm.softhsm_configuration.empty()) {
    NAE_TRY(check_token_directory(config.hsm.softhsm_configuration));
    if (const auto tokens = token_directory(config.hsm.softhsm_configuration))
      NAE_TRY(check_room(*tokens, Code::hsm_unavailable));
    setup::use_softhsm_configuration(config.hsm.softhsm_configuration);
  }
  if (!opening.hsm) opening.hsm = hsm::Pkcs11Hsm::prepare(hsm_options(config));
  return opening.hsm->check();
}

Result<void> check_own_token(store::Meta& store, Opening& opening) {
  auto checked = setup::check_token(store, *opening.hsm);
  if (!checked) opening.hsm.reset();  // a module that stays initialised may never show another one
  opening.is_own_token = checked.has_value();
  return checked;
}

// What other programs put into the store is not remembered: changes are authenticated by a key of
// the token.
Result<void> remember_store(const config::Config& config, store::Meta& store, Opening& opening) {
  NAE_ASSIGN(auto key, ledger_key_of(store, *opening.hsm));
  opening.part = admin::StartPart::store;
  if (!key) return {};
  return opening.store.watch->remember(seen_file(config), std::move(key));
}

// Who cannot serve must not keep others from it: what needs no lease is looked at before there is
// one. A module that hangs, hangs here.
Result<void> look_before_lease(const config::Config& config, Opening& opening) {
  opening.part = admin::StartPart::audit;
  NAE_TRY(check_room(config.audit.directory, Code::audit_unavailable));
  opening.part = admin::StartPart::hsm;
  NAE_TRY(connect_hsm(config, opening));
  if (!opening.store.watch) opening.store.watch = watch_of(config);
  if (!opening.store.presence) {
    Bytes run(kRunBytes);
    NAE_TRY(crypto::random_bytes(run));
    opening.store.presence.emplace(to_hex(run));
  }
  if (opening.is_own_token && opening.store.watch->remembers()) return {};
  opening.part = admin::StartPart::store;
  NAE_ASSIGN(const auto store, read_store(config, opening.store));
  opening.part = admin::StartPart::hsm;
  NAE_TRY(check_own_token(*store, opening));
  return remember_store(config, *store, opening);
}

// Who waits with the custody file of former custodians must not look as if it could take over.
Result<void> look_while_waiting(const config::Config& config, Opening& opening) {
  if (opening.has_looked_at_custody) return {};
  NAE_ASSIGN(const auto store, read_store(config, opening.store));
  NAE_TRY(check_custody_while_waiting(config, *store, *opening.hsm));
  opening.has_looked_at_custody = true;
  return {};
}

Result<void> open_own_store(const config::Config& config, Opening& opening, Opened& opened) {
  if (!config.store.path.empty())
    NAE_TRY(check_room(config.store.path.parent_path(), Code::store_unavailable));
  auto store = server::open_store(config, opening.store);
  if (!store && config.store.follow && opening.store.may_follow) {
    NAE_ASSIGN(opened.followed, follow_store(config, opening.store));
    opened.store = std::move(opened.followed->store);
    opened.tenure = opened.followed->tenure;
  } else {
    if (!store && opening.store.may_follow) NAE_TRY(look_while_waiting(config, opening));
    if (!store) return fail(std::move(store).error());
    opened.store = *std::move(store);
    opened.tenure = opening.store.tenure;
  }
  opened.watch = opening.store.watch;
  // A file answers: what holds it up for long is this process's own work, which a stop waits for.
  if (!config.store.url.empty()) opened.given_up = opening.store.given_up;
  NAE_ASSIGN(auto server_id, opened.store->meta("server_id"));
  if (!server_id) return fail(Code::store_corrupt, "the store has no server_id");
  opened.server_id = *server_id;
  return {};
}

// Of one that follows: a policy that somebody has just applied is none of the ledger that was read.
Result<std::unique_ptr<policy::PolicyBook>> open_policy(Opened& opened) {
  auto book = policy::PolicyBook::open(*opened.store);
  if (!book && opened.followed) NAE_TRY(check_unchanged(*opened.store));
  return book;
}

Result<void> open_hsm(const config::Config& config, Opening& opening, Opened& opened) {
  NAE_TRY(connect_hsm(config, opening));
  NAE_TRY(check_own_token(*opened.store, opening));
  if (opened.followed) {
    NAE_ASSIGN(const bool begun, opened.store->has_ledger());
    if (!begun)
      return fail(Code::server_unavailable, "the one in charge of the store begins its ledger");
  } else {
    NAE_ASSIGN(opened.bound_keys, setup::bind_keys(*opened.store, *opening.hsm));
  }
  NAE_ASSIGN(opened.begun_ledger, setup::take_up_ledger(*opened.store, *opening.hsm));
  if (opened.followed) opened.followed->begin();
  NAE_TRY(check_custody_at_start(config, *opened.store, *opening.hsm, opened.followed.has_value()));
  NAE_ASSIGN(opened.policy, open_policy(opened));
  opened.hsm = std::move(opening.hsm);
  return {};
}

}  // namespace

Result<Opened> open_parts(const config::Config& config, Opening& opening) {
  Opened opened;
  opening.part = admin::StartPart::store;
  // First: what it was to bring back is what the others miss.
  NAE_TRY(refuse_unfinished_restore(config));
  NAE_ASSIGN(opened.approval, rules_of(config));
  NAE_ASSIGN(opened.authority, read_file(config.tls.client_authority, kMaxAuthorityBytes));
  if (!config.store.url.empty()) NAE_TRY(look_before_lease(config, opening));
  opening.part = admin::StartPart::store;
  NAE_TRY(open_own_store(config, opening, opened));
  opening.part = admin::StartPart::hsm;
  NAE_TRY(open_hsm(config, opening, opened));
  return opened;
}

bool may_pass(admin::StartPart part, Code code) {
  switch (code) {
    case Code::hsm_unavailable:
    case Code::hsm_pin_rejected:
    case Code::hsm_module_missing:
    case Code::hsm_token_missing:
    case Code::hsm_token_full:
    case Code::hsm_failed:
    case Code::group_key_missing:
    case Code::store_unavailable:
    case Code::server_unavailable:
    case Code::audit_unavailable:
    case Code::timeout:
    case Code::overloaded:
      return true;
    case Code::store_rolled_back:  // as it was seen while another one had it: a start would forget
      return part == admin::StartPart::store;
    case Code::file_failed:  // of the PIN
      return part == admin::StartPart::hsm;
    default:
      return false;
  }
}

}  // namespace nae::server

#include "keyserver/server/restore.hpp"

#include "keyserver/audit/directory_lock.hpp"
#include "keyserver/audit/head.hpp"
#include "keyserver/hsm/provision.hpp"
#include "keyserver/keys/binding.hpp"
#include "keyserver/server/hsm_options.hpp"
#include "keyserver/server/offline_ledger.hpp"
#include "keyserver/server/offline_log.hpp"
#include "keyserver/server/open_store.hpp"
#include "keyserver/server/unfinished_restore.hpp"
#include "keyserver/setup/claim.hpp"
#include "keyserver/setup/initialise.hpp"
#include "keyserver/setup/token_binding.hpp"
#include "libnae/base/file.hpp"
#include "libnae/base/text.hpp"
#include "libnae/crypto/key_wrap.hpp"
#include "libnae/crypto/public_key.hpp"
#include "libnae/custody/arrivals.hpp"
#include "libnae/custody/custody_secret.hpp"

namespace nae::server {
namespace {

constexpr std::size_t kMaxKeyBytes = 64u << 10;

// One at a time, in a directory and on a token, and none beside a server: what another is making
// now looks like what one left that was interrupted, and would be taken off the token.
struct Claims {
  setup::Claim directory, token;
};
Result<Claims> claim(const config::Config& config) {
  NAE_ASSIGN(setup::Claim directory, setup::Claim::take_existing(config::group_directory(config)));
  NAE_ASSIGN(setup::Claim token, setup::Claim::take_token(config.hsm.pin_file));
  if (audit::is_locked(config.audit.directory))
    return fail(
        Code::conflict,
        "a server is running: it writes the audit log in " + config.audit.directory.string(),
        "Stop it before the keys are brought back.");
  return Claims{std::move(directory), std::move(token)};
}

// The card is closed again before the next one is asked for: two may share a reader.
Result<void> take(custody::Arrivals& arrivals, const auto& card) {
  NAE_ASSIGN(const auto reader, custody::CardReader::open(card));
  return arrivals.take(*reader);
}

Result<void> check_signer(const custody::CustodySet& set, const std::filesystem::path& custody,
                          const std::filesystem::path& audit_key) {
  NAE_ASSIGN(const std::string pem, read_file(audit_key, kMaxKeyBytes));
  NAE_ASSIGN(const auto key, crypto::PublicKey::from_pem(pem));
  if (key.der() == set.find(custody::Kept::audit)->public_key) return {};
  return fail(Code::conflict,
              custody.string() + " is the custody of another group than this server's",
              "Its audit key is not the one in " + audit_key.string() + ".");
}

// Anybody can sign a file of his own: the key must be the log's.
Result<custody::CustodySet> read_set(const config::Config& config, const Restore& wanted) {
  NAE_ASSIGN(const std::string content, read_file(wanted.custody, custody::kMaxSetBytes));
  NAE_ASSIGN(custody::CustodySet set, custody::parse_custody_set(as_bytes(content)));
  NAE_TRY(custody::check_signature(set));
  const auto of_log = config.audit.directory / audit::kPublicKeyFile;
  std::error_code error;
  const bool known = std::filesystem::exists(of_log, error) || error;
  if (!wanted.audit_key.empty()) NAE_TRY(check_signer(set, wanted.custody, wanted.audit_key));
  if (known) NAE_TRY(check_signer(set, wanted.custody, of_log));
  if (known || !wanted.audit_key.empty()) return set;
  return fail(
      Code::not_initialised,
      "nothing tells whose file " + wanted.custody.string() + " is: there is no " + of_log.string(),
      "Put it back, or name a copy of audit-public.pem by --audit-key.");
}

// The store is the known envelope: what the group key does not open was not wrapped by it.
Result<void> open_every_version(const config::Config& config, Restored& restored) {
  NAE_ASSIGN(const auto store, read_store(config));
  NAE_ASSIGN(const auto hsm, hsm::Pkcs11Hsm::open(hsm_options(config)));
  NAE_TRY(setup::check_token(*store, *hsm));
  // An older store is no reason to keep the keys back: it is told when this is recorded.
  if (auto taken = take_up_ledger_if_there(*store, *hsm);
      !taken && taken.error().code != Code::store_rolled_back)
    return taken;
  NAE_ASSIGN(const auto keys, store->load_keys());
  NAE_ASSIGN(const Bytes binding, hsm->public_key_of(keys::ServerKey::binding));
  NAE_ASSIGN(const auto check, keys::BindingCheck::with(binding));
  NAE_TRY(check.check(keys));
  for (const keys::Key& key : keys)
    for (const keys::Version& version : key.versions) {
      if (version.state == keys::State::destroyed) continue;
      if (!version.material.token_object.empty()) {
        restored.not_portable.push_back("version " + std::to_string(version.number) + " of " +
                                        key.name);
        continue;
      }
      NAE_TRY(hsm->check_value(key.type, version.material));
      ++restored.versions;
    }
  return {};
}

Result<void> bring_back(const config::Config& config, const hsm::Provision& provision,
                        UnfinishedRestore& note, Restored& restored) {
  NAE_ASSIGN(const hsm::Provisioned done, hsm::initialise(provision));
  restored.token_created = done.token_created;
  NAE_TRY(note.reached(RestoreStep::versions));
  return open_every_version(config, restored);
}

Result<void> record(const config::Config& config, const custody::CustodySet& set,
                    const Restored& restored) {
  NAE_ASSIGN(const auto store, open_store(config));
  NAE_ASSIGN(const auto hsm, hsm::Pkcs11Hsm::open(hsm_options(config)));
  NAE_TRY(take_up_ledger_if_there(*store, *hsm));
  NAE_ASSIGN(OfflineLog log,
             OfflineLog::open(config, *store, *hsm, "nae-keyserver restore", *store));
  return log.record("keys-restored", "group " + to_hex(set.group) + ", generation " +
                                         std::to_string(set.generation) + ", by the cards of " +
                                         names_in(restored.holders) + "; " +
                                         std::to_string(restored.versions) + " versions opened, " +
                                         std::to_string(restored.not_portable.size()) + " missing");
}

}  // namespace

std::string names_in(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

Result<Restored> restore(const config::Config& config, const Restore& wanted) {
  if (!config.hsm.softhsm_configuration.empty())
    setup::use_softhsm_configuration(config.hsm.softhsm_configuration);
  NAE_ASSIGN(const Claims claims, claim(config));
  NAE_ASSIGN(const custody::CustodySet set, read_set(config, wanted));
  custody::Arrivals arrivals(set);
  for (const custody::SoftwareCardFiles& card : wanted.software_cards)
    NAE_TRY(take(arrivals, card));
  for (const custody::TokenCard& card : wanted.token_cards) NAE_TRY(take(arrivals, card));

  hsm::WrappedGroup group;
  group.group = set.group;
  group.generation = set.generation;
  group.kept = set.kept;
  group.check = set.check;
  NAE_ASSIGN(group.secret, arrivals.join());
  hsm::Provision provision;
  provision.hsm = hsm_options(config);
  provision.group = set.group;
  provision.brought_back = &group;
  if (const custody::KeptKey* pin = set.find(custody::Kept::so_pin)) {
    NAE_ASSIGN(provision.so_pin,
               crypto::unwrap_kwp(custody::wrapping_key(group.secret, set.group, set.generation,
                                                        custody::Kept::so_pin),
                                  pin->wrapped));
  }
  Restored restored;
  restored.holders = arrivals.holders();
  UnfinishedRestore note(config, set.group);
  NAE_ASSIGN(const auto left, note.left_behind());
  if (left) {
    restored.taken_back = name(*left);
    if (auto removed = hsm::remove_group(provision.hsm, set.group);
        !removed && removed.error().code != Code::hsm_token_missing)
      return fail(std::move(removed).error());
  }
  bool begun = left.has_value();
  provision.about_to_make = [&] {
    begun = true;
    return note.reached(RestoreStep::keys);
  };
  auto brought = bring_back(config, provision, note, restored);
  if (!brought) {
    Error error = brought.error();
    // The note stays as long as keys may be there.
    if (auto removed = begun ? hsm::remove_group(provision.hsm, set.group) : Result<void>();
        !removed)
      error.message += "; and keys are still on the token: " + removed.error().message;
    else if (begun)
      (void)note.finish();
    return fail(std::move(error));
  }
  NAE_TRY(note.reached(RestoreStep::record));
  if (auto recorded = record(config, set, restored); !recorded) {
    restored.not_recorded = recorded.error().message;
    if (recorded.error().code == Code::store_rolled_back)
      restored.not_recorded += ". " + recorded.error().hint;
  }
  NAE_TRY(note.finish());
  return restored;
}

}  // namespace nae::server

#include "keyserver/server/restore.hpp"

#include <algorithm>

#include "keyserver/audit/head.hpp"
#include "keyserver/hsm/provision.hpp"
#include "keyserver/keys/binding.hpp"
#include "keyserver/server/hsm_options.hpp"
#include "keyserver/server/offline_ledger.hpp"
#include "keyserver/server/offline_log.hpp"
#include "keyserver/server/open_store.hpp"
#include "keyserver/setup/initialise.hpp"
#include "keyserver/setup/token_binding.hpp"
#include "libnae/base/file.hpp"
#include "libnae/base/text.hpp"
#include "libnae/crypto/key_wrap.hpp"
#include "libnae/crypto/public_key.hpp"
#include "libnae/crypto/software_card.hpp"
#include "libnae/custody/custody_secret.hpp"
#include "libnae/pkcs11/decrypting_key.hpp"
#include "libnae/pkcs11/module.hpp"
#include "libnae/pkcs11/pin_file.hpp"

namespace nae::server {
namespace {

constexpr std::size_t kMaxCardBytes = 64u << 10;

// Shares as they arrive, each checked at once.
class Arrivals {
 public:
  explicit Arrivals(const custody::CustodySet& set) : set_(set) {}

  // Which share is sealed to the card of this public key.
  Result<std::size_t> expect(const crypto::Sha256Digest& card, const std::string& what) const {
    for (std::size_t i = 0; i < set_.n(); ++i) {
      if (set_.shares[i].card != card) continue;
      const auto same = [&](const crypto::Share& share) { return share.x == i + 1; };
      if (std::ranges::any_of(shares_, same))
        return fail(Code::conflict, "the card of " + set_.shares[i].holder + " is there twice",
                    "Each custodian brings their own card.");
      return i;
    }
    return fail(Code::conflict, what + " is no card of this custody file",
                "It is of another group, or its holder was a custodian at another time.");
  }
  Result<void> take(std::size_t index, const crypto::SecretBytes& plaintext) {
    NAE_ASSIGN(crypto::Share share, custody::open_share(set_, index, plaintext));
    shares_.push_back(std::move(share));
    holders_.push_back(set_.shares[index].holder);
    return {};
  }
  Result<crypto::SecretBytes> join() const { return custody::join_shares(set_, shares_); }
  const std::vector<std::string>& holders() const { return holders_; }

 private:
  const custody::CustodySet& set_;
  std::vector<crypto::Share> shares_;
  std::vector<std::string> holders_;
};

Error named(const std::string& what, Error error) {
  error.message = what + ": " + error.message;
  return error;
}

Result<void> open_software_card(const custody::CustodySet& set, Arrivals& arrivals,
                                const SoftwareCardFiles& files) {
  const std::string what = files.card.string();
  NAE_ASSIGN(const std::string pem, read_file(files.card, kMaxCardBytes));
  NAE_ASSIGN(const pkcs11::Pin passphrase, pkcs11::read_pin(files.passphrase));
  const auto spki = crypto::public_key_of_card(as_bytes(pem), passphrase.value);
  if (!spki) return fail(named(what, spki.error()));
  NAE_ASSIGN(const std::size_t index, arrivals.expect(crypto::sha256(*spki), what));
  const custody::ShareRecord& record = set.shares[index];
  const auto opened = crypto::decrypt_oaep(as_bytes(pem), passphrase.value,
                                           custody::hash_of(record.sealing), record.sealed);
  if (!opened) return fail(named(what, opened.error()));
  return arrivals.take(index, *opened);
}

Result<void> open_token_card(const custody::CustodySet& set, Arrivals& arrivals,
                             const TokenCard& card) {
  const std::string what = "the card '" + card.token_label + "'";
  NAE_ASSIGN(const pkcs11::Pin pin, pkcs11::read_pin(card.pin_file));
  NAE_ASSIGN(const auto module, pkcs11::Module::load(card.module, ""));
  NAE_ASSIGN(const auto slot, pkcs11::find_token(*module, card.token_label));
  const auto session = pkcs11::Session::open(*module, slot, pin.value);
  if (!session) return fail(named(what, session.error()));
  NAE_ASSIGN(const auto keys, pkcs11::find_decrypting_keys(**session));
  Error last(Code::conflict, what + " holds no RSA key that decrypts");
  for (const pkcs11::DecryptingKey& key : keys) {
    const auto index = arrivals.expect(key.public_key, what);
    if (!index) {
      last = index.error();
      continue;
    }
    const custody::ShareRecord& record = set.shares[*index];
    const auto opened =
        pkcs11::decrypt_oaep(**session, key, custody::hash_of(record.sealing), record.sealed);
    if (!opened) return fail(named("the card of " + record.holder, opened.error()));
    return arrivals.take(*index, *opened);
  }
  return fail(std::move(last));
}

Result<custody::CustodySet> read_set(const config::Config& config,
                                     const std::filesystem::path& file) {
  NAE_ASSIGN(const std::string content, read_file(file, custody::kMaxSetBytes));
  NAE_ASSIGN(custody::CustodySet set, custody::parse_custody_set(as_bytes(content)));
  NAE_TRY(custody::check_signature(set));
  // Anybody can sign a file of his own: where the log's key is known, it must be that one.
  const auto known = read_file(config.audit.directory / audit::kPublicKeyFile, kMaxCardBytes);
  if (!known) return set;
  NAE_ASSIGN(const auto key, crypto::PublicKey::from_pem(*known));
  if (key.der() != set.find(custody::Kept::audit)->public_key)
    return fail(Code::conflict,
                file.string() + " is the custody of another group than this server's",
                "Its audit key is not the one in " + config.audit.directory.string() + ".");
  return set;
}

// The store is the known envelope: what the group key does not open was not wrapped by it.
Result<void> open_every_version(const config::Config& config, Restored& restored) {
  NAE_ASSIGN(const auto store, open_store(config));
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
  NAE_ASSIGN(const custody::CustodySet set, read_set(config, wanted.custody));
  Arrivals arrivals(set);
  for (const SoftwareCardFiles& card : wanted.software_cards)
    NAE_TRY(open_software_card(set, arrivals, card));
  for (const TokenCard& card : wanted.token_cards) NAE_TRY(open_token_card(set, arrivals, card));

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
  NAE_ASSIGN(const hsm::Provisioned done, hsm::initialise(provision));
  Restored restored;
  restored.holders = arrivals.holders();
  restored.token_created = done.token_created;
  if (auto opened = open_every_version(config, restored); !opened) {
    Error error = opened.error();
    if (auto removed = hsm::remove_group(provision.hsm, set.group); !removed)
      error.message += "; and the keys are still on the token: " + removed.error().message;
    return fail(std::move(error));
  }
  if (auto recorded = record(config, set, restored); !recorded) {
    restored.not_recorded = recorded.error().message;
    if (recorded.error().code == Code::store_rolled_back)
      restored.not_recorded += ". " + recorded.error().hint;
  }
  return restored;
}

}  // namespace nae::server

#include "keyserver/server/restore.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>

#include "keyserver/audit/head.hpp"
#include "keyserver/hsm/provision.hpp"
#include "keyserver/keys/binding.hpp"
#include "keyserver/server/backup_reader.hpp"
#include "keyserver/server/custody_in_force.hpp"
#include "keyserver/server/hsm_options.hpp"
#include "keyserver/server/offline_ledger.hpp"
#include "keyserver/server/offline_log.hpp"
#include "keyserver/server/open_store.hpp"
#include "keyserver/server/own_custody.hpp"
#include "keyserver/server/room.hpp"
#include "keyserver/server/unfinished_restore.hpp"
#include "keyserver/setup/custody.hpp"
#include "keyserver/setup/initialise.hpp"
#include "keyserver/setup/token_binding.hpp"
#include "libnae/base/file.hpp"
#include "libnae/base/streamed_file.hpp"
#include "libnae/base/text.hpp"
#include "libnae/crypto/public_key.hpp"

namespace nae::server {
namespace {

constexpr std::size_t kMaxKeyBytes = 64u << 10;
constexpr unsigned kRestoredMode = 0600;
constexpr std::array<const char*, 4> kStoreSuffixes = {"", "-wal", "-shm", "-journal"};

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
Result<custody::CustodySet> read_set(const config::Config& config, const Restore& wanted,
                                     const std::optional<BackupReader>& backup) {
  const bool of_backup = wanted.custody.empty() && backup;
  const std::filesystem::path& of = of_backup ? wanted.backup : wanted.custody;
  custody::CustodySet set;
  if (of_backup) {
    set = backup->custody();
  } else {
    NAE_ASSIGN(const std::string content, read_file(wanted.custody, custody::kMaxSetBytes));
    NAE_ASSIGN(set, custody::parse_custody_set(as_bytes(content)));
    NAE_TRY(custody::check_signature(set));
    if (backup && (backup->custody().group != set.group ||
                   backup->custody().find(custody::Kept::audit)->public_key !=
                       set.find(custody::Kept::audit)->public_key))
      return fail(Code::conflict, wanted.backup.string() + " is a backup of another group");
  }
  const auto of_log = config.audit.directory / audit::kPublicKeyFile;
  std::error_code error;
  const bool known = std::filesystem::exists(of_log, error) || error;
  if (!wanted.audit_key.empty()) NAE_TRY(check_signer(set, of, wanted.audit_key));
  if (known) NAE_TRY(check_signer(set, of, of_log));
  if (known || !wanted.audit_key.empty()) {
    NAE_TRY(refuse_former(config, set, of));
    return set;
  }
  return fail(Code::not_initialised,
              "nothing tells whose file " + of.string() + " is: there is no " + of_log.string(),
              "Put it back, or name a copy of audit-public.pem by --audit-key.");
}

// What can be known before a card is asked. Of a store that is a file the HSM's keys tell, later.
Result<void> refuse_before_cards(const config::Config& config, const custody::CustodySet& set,
                                 const Restore& wanted) {
  if (wanted.backup.empty()) return refuse_superseded_in_group(config, set, wanted.custody);
  if (!config.store.path.empty()) return {};
  return fail(Code::unsupported, "the store is a PostgreSQL, and the backup is one of SQLite",
              "Restore into a file, and then: nae-keyserver move-store.");
}

bool has_made_store(const LeftRestore& left) {
  return left.brings_store && left.step >= RestoreStep::store;
}

// What stands in the store's place is nobody's to overwrite, but for one that an interrupted
// restore has made from a backup.
Result<void> make_room(const config::Config& config, const std::optional<LeftRestore>& left) {
  const std::filesystem::path& store = config.store.path;
  if (left && has_made_store(*left))
    for (const char* suffix : kStoreSuffixes) {
      std::error_code error;
      std::filesystem::remove(store.string() + suffix, error);
      if (error) return fail(Code::file_failed, "cannot remove " + store.string() + suffix);
    }
  for (const char* suffix : {"", "-wal", "-journal"})
    if (name_is_taken(store.string() + suffix))
      return fail(Code::file_failed, store.string() + suffix + " is there, and is not overwritten",
                  "A backup is brought back where there is no store: move this one away.");
  return {};
}

std::uint64_t bytes_on_disk(const std::filesystem::path& file) {
  constexpr std::uint64_t kBlock = 512;  // of st_blocks, whatever the file system's are
  struct stat status {};
  if (::lstat(file.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return 0;
  return static_cast<std::uint64_t>(status.st_blocks) * kBlock;
}

// Of a store that an interrupted restore has made, whole or in part: it is removed before the next
// one is written, but not before the cards are there.
std::uint64_t room_of_left_store(const config::Config& config, const LeftRestore& left) {
  if (!has_made_store(left)) return 0;
  std::uint64_t bytes = bytes_on_disk(StreamedFile::part_of(config.store.path));
  for (const char* suffix : kStoreSuffixes)
    bytes += bytes_on_disk(config.store.path.string() + suffix);
  return bytes;
}

// Before a card is asked, and anything is changed.
Result<void> find_room_for(const config::Config& config, const std::optional<BackupReader>& backup,
                           const std::optional<LeftRestore>& left) {
  std::vector<Room> wanted = room_to_work(config);
  if (backup) {
    const std::uint64_t store = backup->header().content_bytes;
    const std::uint64_t freed = left ? room_of_left_store(config, *left) : 0;
    wanted.push_back({config::group_directory(config), store - std::min(store, freed)});
  }
  return find_room("a restore", wanted);
}

// Only when all of it was opened it gets the store's name.
Result<void> bring_store_back(const config::Config& config, BackupReader& backup) {
  NAE_ASSIGN(const auto hsm, hsm::Pkcs11Hsm::open(hsm_options(config)));
  NAE_ASSIGN(const crypto::SecretBytes key, backup_key(*hsm, backup.header()));
  NAE_ASSIGN(StreamedFile file, StreamedFile::create(config.store.path, kRestoredMode));
  const auto gcm = crypto::fastest_gcm();
  NAE_TRY(backup.each_block(*gcm, key, [&](ByteView content) { return file.append(content); }));
  return file.publish();
}

// The ledger of a store of an older release is not taken up, and without its token no server can
// start and bring it to this one: a restore does.
Result<std::unique_ptr<store::Store>> store_of_this_release(const config::Config& config) {
  auto store = read_newest_store(config);
  if (store || store.error().code != Code::conflict) return store;
  return open_store_after_own(config);
}

// The store is the known envelope: what the group key does not open was not wrapped by it.
// Its ledger knows whether the custodians have changed, also where no file tells.
Result<void> open_every_version(const config::Config& config, const custody::CustodySet& set,
                                const std::filesystem::path& of, Restored& restored) {
  NAE_ASSIGN(const auto store, store_of_this_release(config));
  NAE_ASSIGN(const auto hsm, hsm::Pkcs11Hsm::open(hsm_options(config)));
  NAE_TRY(setup::check_token(*store, *hsm));
  // An older store is no reason to keep the keys back: it is told when this is recorded.
  if (auto taken = take_up_ledger_if_there(*store, *hsm);
      !taken && taken.error().code != Code::store_rolled_back)
    return taken;
  NAE_TRY(refuse_superseded(*store, set, of));
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

// It was lost with the disk, or the file that was named is elsewhere. One that is there stays:
// read_set() has seen that it is of no later generation.
Result<void> put_custody_back(const config::Config& config, const custody::CustodySet& set,
                              Restored& restored) {
  const auto beside = config::group_directory(config) / setup::kCustodyFile;
  if (name_is_taken(beside)) return {};
  NAE_TRY(write_new_file(beside, custody::write_custody_set(set), kRestoredMode));
  restored.custody_written = beside;
  return {};
}

Result<void> bring_back(const config::Config& config, const hsm::Provision& provision,
                        const custody::CustodySet& set, const Restore& wanted,
                        std::optional<BackupReader>& backup, UnfinishedRestore& note,
                        Restored& restored) {
  NAE_ASSIGN(const hsm::Provisioned done, hsm::initialise(provision));
  restored.token_created = done.token_created;
  if (backup) {
    NAE_TRY(note.reached(RestoreStep::store));
    NAE_TRY(bring_store_back(config, *backup));
    restored.store_made_at_s = backup->header().made_at_s;
  }
  NAE_TRY(note.reached(RestoreStep::versions));
  NAE_TRY(open_every_version(config, set, wanted.custody.empty() ? wanted.backup : wanted.custody,
                             restored));
  return put_custody_back(config, set, restored);
}

Result<void> record(const config::Config& config, const custody::CustodySet& set,
                    const Restored& restored) {
  NAE_ASSIGN(const auto store, open_store_after_own(config));
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

Result<Restored> restore(const config::Config& config, const Restore& wanted) {
  if (!config.hsm.softhsm_configuration.empty())
    setup::use_softhsm_configuration(config.hsm.softhsm_configuration);
  NAE_ASSIGN(const Alone alone, work_alone(config));
  std::optional<BackupReader> backup;
  if (!wanted.backup.empty()) {
    NAE_ASSIGN(BackupReader opened, BackupReader::open(wanted.backup));
    backup.emplace(std::move(opened));
  }
  NAE_ASSIGN(const custody::CustodySet set, read_set(config, wanted, backup));
  NAE_TRY(refuse_before_cards(config, set, wanted));
  UnfinishedRestore note(config, set.group, backup.has_value());
  NAE_ASSIGN(const auto left, note.left_behind());
  NAE_TRY(find_room_for(config, backup, left));
  NAE_ASSIGN(OpenedCustody opened, open_custody(set, wanted));
  hsm::Provision provision;
  provision.hsm = hsm_options(config);
  provision.group = set.group;
  provision.brought_back = &opened.group;
  provision.so_pin = std::move(opened.so_pin);
  Restored restored;
  restored.holders = opened.holders;
  if (backup) NAE_TRY(make_room(config, left));
  if (left) {
    restored.taken_back = name(left->step);
    if (auto removed = hsm::remove_group(provision.hsm, set.group);
        !removed && removed.error().code != Code::hsm_token_missing)
      return fail(std::move(removed).error());
  }
  bool begun = left.has_value();
  provision.about_to_make = [&] {
    begun = true;
    return note.reached(RestoreStep::keys);
  };
  auto brought = bring_back(config, provision, set, wanted, backup, note, restored);
  if (!brought) {
    Error error = brought.error();
    // The note stays as long as keys may be there.
    if (auto room = backup && begun ? make_room(config, LeftRestore{RestoreStep::store, true})
                                    : Result<void>();
        !room)
      error.message += "; and the store stays: " + room.error().message;
    else if (auto removed = begun ? hsm::remove_group(provision.hsm, set.group) : Result<void>();
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

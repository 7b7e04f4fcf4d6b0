#include "keyserver/server/backup_spool.hpp"

#include <sys/stat.h>

#include <fstream>

#include "keyserver/server/backup_reader.hpp"
#include "keyserver/server/file_digest.hpp"
#include "keyserver/server/room.hpp"
#include "keyserver/store/sqlite/backup.hpp"
#include "libnae/base/clock.hpp"
#include "libnae/base/streamed_file.hpp"
#include "libnae/base/text.hpp"
#include "libnae/crypto/random.hpp"

namespace nae::server {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSpool = "backups.unfetched";
constexpr unsigned kOwnersFile = 0600;

// A file that is gone when this is, whatever happened: a copy of the store in clear.
class Removed {
 public:
  explicit Removed(fs::path file) : file_(std::move(file)) {}
  ~Removed() {
    std::error_code ignored;
    fs::remove(file_, ignored);
  }
  Removed(const Removed&) = delete;
  Removed& operator=(const Removed&) = delete;

 private:
  const fs::path file_;
};

// The session object of a key that the HSM opened, gone when this is: also where sealing fails.
class ForgottenKey {
 public:
  ForgottenKey(keys::Hsm& hsm, keys::HsmKey key) : hsm_(hsm), key_(key) {}
  ~ForgottenKey() { (void)hsm_.forget(key_, false); }
  ForgottenKey(const ForgottenKey&) = delete;
  ForgottenKey& operator=(const ForgottenKey&) = delete;

 private:
  keys::Hsm& hsm_;
  const keys::HsmKey key_;
};

// For the copy and the sealed file, beside what the store and the audit log grow by meanwhile.
Result<void> check_room_for_two(const fs::path& directory, const fs::path& store) {
  std::uint64_t bytes = 0;
  for (const char* part : {"", "-wal"}) {
    std::error_code missing;
    const auto of_part = fs::file_size(store.string() + part, missing);
    if (!missing) bytes += of_part;
  }
  return find_room("a backup", {{directory, 2 * bytes + BackupSpool::kReservedBytes}});
}

tl::unexpected<Error> cannot_read(const fs::path& file) {
  return fail(Code::file_failed, "cannot read " + file.string());
}

Result<Bytes> piece_of(std::ifstream& in, const fs::path& file, std::size_t bytes) {
  Bytes piece(bytes);
  in.read(reinterpret_cast<char*>(piece.data()), static_cast<std::streamsize>(bytes));
  if (static_cast<std::size_t>(in.gcount()) != bytes) return cannot_read(file);
  return piece;
}

// A fresh secret of this backup alone, wrapped by the group key, and the header signed.
Result<BackupSpool::Keyed> begin_header(keys::Hsm& hsm, custody::BackupHeader header) {
  NAE_TRY(hsm.random(header.key.bytes));
  NAE_TRY(hsm.random(header.salt));
  NAE_ASSIGN(const keys::Material made, hsm.generate({header.key, 1}, KeyType::aes_256_gcm));
  header.wrapped = made.wrapped;
  const ForgottenKey forgotten(hsm, {{header.key, 1}, KeyType::aes_256_gcm, made});
  NAE_ASSIGN(header.signature, hsm.sign_as(keys::ServerKey::audit, custody::signed_part(header)));
  NAE_ASSIGN(crypto::SecretBytes key, backup_key(hsm, header));
  return BackupSpool::Keyed{std::move(header), std::move(key)};
}

}  // namespace

BackupSpool::BackupSpool(const config::Config& config, OnHsm on_hsm,
                         std::shared_ptr<const custody::CustodySet> custodians,
                         const crypto::GcmProvider& gcm, std::function<std::int64_t()> steady_us)
    : store_(config.store.path),
      directory_(config::group_directory(config) / kSpool),
      on_hsm_(std::move(on_hsm)),
      custodians_(std::move(custodians)),
      gcm_(gcm),
      steady_us_(std::move(steady_us)) {
  clear(config);
}

void BackupSpool::clear(const config::Config& config) {
  std::error_code ignored;
  fs::remove_all(config::group_directory(config) / kSpool, ignored);
}

BackupSpool::~BackupSpool() {
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
}

Result<admin::MadeBackup> BackupSpool::make(const std::string& who) {
  const std::unique_lock making(making_, std::try_to_lock);
  if (!making) return fail(Code::overloaded, "another backup is being made at this moment");
  {
    const std::lock_guard lock(mutex_);
    expire_locked();
    if (kept_.size() >= kMostKept)
      return fail(Code::overloaded, "backups that were granted wait to be fetched",
                  "Fetch them, or wait: each is kept for an hour.");
  }
  std::error_code error;
  fs::create_directories(directory_, error);
  if (error || ::chmod(directory_.c_str(), S_IRWXU) != 0)
    return fail(Code::file_failed, "cannot create " + directory_.string());
  NAE_TRY(check_room_for_two(directory_, store_));
  Bytes drawn(custody::kBackupIdBytes);
  NAE_TRY(crypto::random_bytes(drawn));
  NAE_ASSIGN(admin::MadeBackup made, write(to_hex(drawn)));
  const std::lock_guard lock(mutex_);
  kept_.emplace(made.id, Kept{who, made.bytes, steady_us_() + kKeptUs});
  return made;
}

Result<admin::MadeBackup> BackupSpool::write(const std::string& id) {
  const fs::path copy = directory_ / (id + ".db");
  const Removed gone(copy);
  NAE_ASSIGN(const store::sqlite::BackedUp copied, store::sqlite::back_up(store_, copy));
  std::error_code error;
  custody::BackupHeader begun;
  const Bytes drawn = from_hex(id).value();
  std::copy(drawn.begin(), drawn.end(), begun.id.begin());
  begun.made_at_s = static_cast<std::uint64_t>(unix_time_us() / 1'000'000);
  begun.content_bytes = fs::file_size(copy, error);
  if (error) return cannot_read(copy);
  begun.custody = custody::write_custody_set(*custodians_);
  NAE_ASSIGN(const Keyed sealing,
             on_hsm_([begun](keys::Hsm& hsm) { return begin_header(hsm, begun); }));
  const custody::BackupHeader& header = sealing.header;
  NAE_ASSIGN(StreamedFile file, StreamedFile::create(file_of(id), kOwnersFile));
  const Bytes written = custody::write_backup_header(header);
  NAE_TRY(file.append(written));
  {
    const custody::BackupBlocks blocks(gcm_, sealing.key, written);
    std::ifstream in(copy, std::ios::binary);
    for (std::uint64_t number = 0; number < header.blocks(); ++number) {
      NAE_ASSIGN(const Bytes piece, piece_of(in, copy, header.content_of_block(number)));
      NAE_TRY(file.append(blocks.seal(number, piece)));
    }
  }
  NAE_TRY(file.flush());
  // By its own header alone, as a restore does: what the HSM does not open now is no backup.
  NAE_ASSIGN(BackupReader again, BackupReader::open(file.beside()));
  NAE_ASSIGN(const Keyed opening, on_hsm_([of = again.header()](keys::Hsm& hsm) -> Result<Keyed> {
               NAE_ASSIGN(crypto::SecretBytes key, backup_key(hsm, of));
               return Keyed{of, std::move(key)};
             }));
  std::ifstream original(copy, std::ios::binary);
  NAE_TRY(again.each_block(gcm_, opening.key, [&](ByteView content) -> Result<void> {
    NAE_ASSIGN(const Bytes piece, piece_of(original, copy, content.size()));
    if (std::equal(piece.begin(), piece.end(), content.begin(), content.end())) return {};
    return fail(Code::internal, "the backup does not hold what was copied");
  }));
  NAE_TRY(file.publish());
  admin::MadeBackup made{id, header.file_bytes(written.size()), "", copied.keys, copied.versions};
  NAE_ASSIGN(made.sha256, digest_of_file(file_of(id)));
  return made;
}

void BackupSpool::expire() {
  const std::lock_guard lock(mutex_);
  expire_locked();
}

void BackupSpool::expire_locked() {
  const std::int64_t now_us = steady_us_();
  for (auto one = kept_.begin(); one != kept_.end();) {
    if (one->second.until_us > now_us) {
      ++one;
      continue;
    }
    const Removed gone(file_of(one->first));
    one = kept_.erase(one);
  }
}

Result<BackupSpool::Kept> BackupSpool::find(const std::string& id, const std::string& who) {
  const std::lock_guard lock(mutex_);
  expire_locked();
  const auto found = kept_.find(id);
  if (found != kept_.end() && found->second.who == who) return found->second;
  return fail(Code::not_found, "there is no backup " + id + " for " + who,
              "It is kept for an hour, or until it was fetched or the server stops: have another "
              "one granted.");
}

Result<Bytes> BackupSpool::part(const std::string& id, const std::string& who,
                                std::uint64_t number) {
  NAE_ASSIGN(const Kept kept, find(id, who));
  const std::uint64_t from = number * admin::kBackupPartBytes;
  if (from >= kept.bytes)
    return fail(Code::invalid_argument, "the backup has no part " + std::to_string(number));
  const auto bytes =
      static_cast<std::size_t>(std::min<std::uint64_t>(admin::kBackupPartBytes, kept.bytes - from));
  std::ifstream in(file_of(id), std::ios::binary);
  in.seekg(static_cast<std::streamoff>(from));
  return piece_of(in, file_of(id), bytes);
}

Result<void> BackupSpool::forget(const std::string& id, const std::string& who) {
  NAE_TRY(find(id, who).map([](const Kept&) {}));
  const std::lock_guard lock(mutex_);
  const Removed gone(file_of(id));
  kept_.erase(id);
  return {};
}

}  // namespace nae::server

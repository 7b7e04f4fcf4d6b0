// Granted backups on their way out: made beside the store, sealed to the group, opened again, and
// fetched part by part. docs/spec/backup.md.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>

#include "keyserver/admin/backups.hpp"
#include "keyserver/config/config.hpp"
#include "keyserver/keys/hsm.hpp"
#include "libnae/crypto/gcm.hpp"
#include "libnae/custody/backup_file.hpp"

namespace nae::server {

class BackupSpool final : public admin::Backups {
 public:
  struct Keyed {
    custody::BackupHeader header;
    crypto::SecretBytes key;
  };
  // Runs a job on the HSM's thread and waits for it, for a bounded time: one that hangs may end
  // when its caller is gone, so it refers to nothing of it.
  using OnHsm = std::function<Result<Keyed>(std::function<Result<Keyed>(keys::Hsm&)>)>;
  static constexpr std::int64_t kKeptUs = std::int64_t{3600} * 1'000'000;
  static constexpr std::size_t kMostKept = 2;
  // Stay free beside copy and sealed file; a backup for which they would not is refused.
  static constexpr std::uint64_t kReservedBytes = std::uint64_t{64} << 20;

  // Removes what an earlier run has left, killed while it made one or before it was fetched: also
  // where no backups are granted any more.
  static void clear(const config::Config& config);

  // `custodians`: whose cards grant backups, and open them. `steady_us`: a clock that cannot be
  // set.
  BackupSpool(const config::Config& config, OnHsm on_hsm,
              std::shared_ptr<const custody::CustodySet> custodians, const crypto::GcmProvider& gcm,
              std::function<std::int64_t()> steady_us);
  ~BackupSpool() override;

  Result<admin::MadeBackup> make(const std::string& who) override;
  Result<Bytes> part(const std::string& id, const std::string& who, std::uint64_t number) override;
  Result<void> forget(const std::string& id, const std::string& who) override;
  // Removes what its hour is over for. Called again and again, for nobody may ever ask again.
  void expire();

 private:
  struct Kept {
    std::string who;
    std::uint64_t bytes = 0;
    std::int64_t until_us = 0;
  };
  std::filesystem::path file_of(const std::string& id) const { return directory_ / (id + ".nae"); }
  Result<Kept> find(const std::string& id, const std::string& who);
  void expire_locked();
  Result<admin::MadeBackup> write(const std::string& id);

  const std::filesystem::path store_, directory_;
  const OnHsm on_hsm_;
  const std::shared_ptr<const custody::CustodySet> custodians_;
  const crypto::GcmProvider& gcm_;
  const std::function<std::int64_t()> steady_us_;
  std::mutex making_;  // one at a time: each is a whole copy on the disk
  std::mutex mutex_;
  std::map<std::string, Kept, std::less<>> kept_;
};

}  // namespace nae::server

// A file of `nae backup` on this disk: its header at once, its content when the HSM has its key.
#pragma once

#include <filesystem>
#include <fstream>
#include <functional>

#include "keyserver/keys/hsm.hpp"
#include "libnae/custody/backup_file.hpp"

namespace nae::server {

// As the HSM derives it from the secret that the group key unwraps. Code::store_corrupt, or what
// keys::Hsm says, when this group's key did not wrap it.
Result<crypto::SecretBytes> backup_key(keys::Hsm& hsm, const custody::BackupHeader& header);

class BackupReader {
 public:
  // Header, both signatures and the length: what is cut or changed there is refused before a card
  // is asked. Whose custody it is the caller compares. Code::file_failed for a file that cannot be
  // read or has another length; what custody::check_backup_header() says.
  static Result<BackupReader> open(const std::filesystem::path& file);

  const custody::BackupHeader& header() const { return header_; }
  const custody::CustodySet& custody() const { return custody_; }
  // Every block in order, each handed on once it is known to be good. Stops at the first failure.
  Result<void> each_block(const crypto::GcmProvider& gcm, const crypto::SecretBytes& key,
                          const std::function<Result<void>(ByteView content)>& take);

 private:
  BackupReader(std::filesystem::path file, std::ifstream in)
      : file_(std::move(file)), in_(std::move(in)) {}
  Result<Bytes> next(std::size_t bytes);

  std::filesystem::path file_;
  std::ifstream in_;
  Bytes written_header_;
  custody::BackupHeader header_;
  custody::CustodySet custody_;
};

}  // namespace nae::server

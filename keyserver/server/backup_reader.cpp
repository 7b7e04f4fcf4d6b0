#include "keyserver/server/backup_reader.hpp"

#include "libnae/crypto/kdf.hpp"

namespace nae::server {

Result<crypto::SecretBytes> backup_key(keys::Hsm& hsm, const custody::BackupHeader& header) {
  const keys::Material material{header.wrapped, "", {}};
  const keys::HsmKey key{{header.key, 1}, KeyType::aes_256_gcm, material};
  auto derived = hsm.derive(key, crypto::kGcmPurpose, header.salt);
  // Unwrapped anew the next time: what is read back must come from the file.
  (void)hsm.forget(key, false);
  return derived;
}

Result<Bytes> BackupReader::next(std::size_t bytes) {
  Bytes piece(bytes);
  in_.read(reinterpret_cast<char*>(piece.data()), static_cast<std::streamsize>(bytes));
  if (static_cast<std::size_t>(in_.gcount()) == bytes) return piece;
  return fail(Code::file_failed, file_.string() + " is cut off, or cannot be read",
              "Take another copy of the backup.");
}

Result<BackupReader> BackupReader::open(const std::filesystem::path& file) {
  std::error_code error;
  const auto bytes = std::filesystem::file_size(file, error);
  std::ifstream in(file, std::ios::binary);
  if (error || !in) return fail(Code::file_failed, "cannot read " + file.string());
  BackupReader reader(file, std::move(in));
  NAE_ASSIGN(reader.written_header_, reader.next(custody::kBackupPreambleBytes));
  NAE_ASSIGN(const std::size_t all, custody::backup_header_bytes(reader.written_header_));
  NAE_ASSIGN(const Bytes rest, reader.next(all - custody::kBackupPreambleBytes));
  reader.written_header_.insert(reader.written_header_.end(), rest.begin(), rest.end());
  NAE_ASSIGN(reader.header_, custody::parse_backup_header(reader.written_header_));
  NAE_ASSIGN(reader.custody_, custody::check_backup_header(reader.header_));
  if (bytes == reader.header_.file_bytes(all)) return reader;
  return fail(Code::file_failed,
              file.string() + " is " +
                  (bytes < reader.header_.file_bytes(all) ? "cut off" : "longer than it was") +
                  ": " + std::to_string(bytes) + " bytes of " +
                  std::to_string(reader.header_.file_bytes(all)),
              "Take another copy of the backup.");
}

Result<void> BackupReader::each_block(const crypto::GcmProvider& gcm,
                                      const crypto::SecretBytes& key,
                                      const std::function<Result<void>(ByteView content)>& take) {
  const custody::BackupBlocks blocks(gcm, key, written_header_);
  in_.clear();
  in_.seekg(static_cast<std::streamoff>(written_header_.size()));
  for (std::uint64_t number = 0; number < header_.blocks(); ++number) {
    NAE_ASSIGN(const Bytes block, next(header_.content_of_block(number) + crypto::kGcmTagBytes));
    NAE_ASSIGN(const Bytes content, blocks.open(number, block));
    NAE_TRY(take(content));
  }
  return {};
}

}  // namespace nae::server

// backup.nae: a key server's store, sealed under a key that the group key wraps, together with the
// custody file whose cards bring the group key back. docs/spec/backup.md. Bytes in, bytes out.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "libnae/base/bytes.hpp"
#include "libnae/base/key_id.hpp"
#include "libnae/base/result.hpp"
#include "libnae/crypto/gcm.hpp"
#include "libnae/crypto/hash.hpp"
#include "libnae/custody/custody_set.hpp"

namespace nae::custody {

inline constexpr std::size_t kBackupIdBytes = 8;
inline constexpr std::size_t kBackupSaltBytes = 12;
inline constexpr std::uint32_t kBackupBlockBytes = 1u << 20;
inline constexpr std::uint64_t kMaxBackupContentBytes = std::uint64_t{64} << 30;
// What every file begins with; how long its header is follows from it.
inline constexpr std::size_t kBackupPreambleBytes = 16;
inline constexpr std::size_t kMaxBackupHeaderBytes = kMaxSetBytes + 1024;

// What the content is.
enum class BackupContent : Byte { sqlite_store = 1 };

struct BackupHeader {
  std::array<Byte, kBackupIdBytes> id{};
  std::uint64_t made_at_s = 0;  // Unix time
  KeyId key;                    // of the backup's key, drawn for it
  std::array<Byte, kBackupSaltBytes> salt{};
  Bytes wrapped;  // its secret, AES-KWP under the group key
  BackupContent content = BackupContent::sqlite_store;
  std::uint32_t block_bytes = kBackupBlockBytes;  // of content, in each block but the last
  std::uint64_t content_bytes = 0;                // 1 to kMaxBackupContentBytes
  Bytes custody;                                  // custody.nae, whole
  Bytes signature;                                // ECDSA P-256 with SHA-256, DER, audit key

  std::uint64_t blocks() const { return (content_bytes + block_bytes - 1) / block_bytes; }
  std::size_t content_of_block(std::uint64_t number) const;
  std::uint64_t file_bytes(std::size_t header_bytes) const;
};

// What the audit key signs: the file up to the header's signature.
Bytes signed_part(const BackupHeader& header);
Bytes write_backup_header(const BackupHeader& header);
// How long preamble and header are. Code::invalid_argument for what begins otherwise,
// Code::unsupported_version for a newer format.
Result<std::size_t> backup_header_bytes(ByteView preamble);
// All of them. Code::invalid_argument for everything that write_backup_header() does not write.
Result<BackupHeader> parse_backup_header(ByteView header);
// The custody set of a header that it signed as a whole, by the audit key in that set.
// Code::authentication_failed, also for another key's signature; what parse_custody_set() says.
// Whoever knows the group's audit key compares that one, too.
Result<CustodySet> check_backup_header(const BackupHeader& header);

// Blocks of one file: AES-256-GCM, the nonce is the block's number, the associated data the digest
// of the whole header. So no block stands for another one, nor in another file.
class BackupBlocks {
 public:
  BackupBlocks(const crypto::GcmProvider& gcm, const crypto::SecretBytes& key, ByteView header);
  // As long as the content, and kGcmTagBytes.
  Bytes seal(std::uint64_t number, ByteView content) const;
  // Code::authentication_failed, naming the block.
  Result<Bytes> open(std::uint64_t number, ByteView block) const;

 private:
  std::unique_ptr<const crypto::Aes256Gcm> key_;
  crypto::Sha256Digest header_;
};

}  // namespace nae::custody

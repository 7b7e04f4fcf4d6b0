#include "libnae/custody/backup_file.hpp"

#include <algorithm>

#include "libnae/crypto/public_key.hpp"

namespace nae::custody {
namespace {

constexpr std::string_view kBackupMagic = "NAE backup\n";
constexpr Byte kBackupVersion = 1;
constexpr std::uint32_t kMinBlockBytes = 4096, kMaxBlockBytes = 16u << 20;
constexpr std::size_t kMaxBackupKeyBytes = 64;  // KWP of 32 bytes: 40
constexpr std::size_t kBackupSignatureBytes = 72;

template <std::size_t N>
bool read_whole(ByteReader& in, std::array<Byte, N>& out) {
  const ByteView bytes = in.raw(N);
  if (bytes.size() != N) return false;
  std::ranges::copy(bytes, out.begin());
  return true;
}
Bytes copy_of(ByteView bytes) {
  return {bytes.begin(), bytes.end()};
}

tl::unexpected<Error> no_backup(const char* what) {
  return fail(Code::invalid_argument, std::string("this is no backup of a key server: ") + what,
              "Take the file that nae backup wrote.");
}

Bytes fields_of(const BackupHeader& header) {
  Bytes fields;
  ByteWriter out(fields);
  out.raw(header.id);
  out.u64(header.made_at_s);
  out.raw(header.key.bytes);
  out.raw(header.salt);
  out.text(as_text(header.wrapped));
  out.u8(static_cast<Byte>(header.content));
  out.u32(header.block_bytes);
  out.u64(header.content_bytes);
  out.u32(static_cast<std::uint32_t>(header.custody.size()));
  out.raw(header.custody);
  return fields;
}

std::array<Byte, crypto::kGcmNonceBytes> block_nonce(std::uint64_t number) {
  std::array<Byte, crypto::kGcmNonceBytes> nonce{};
  for (std::size_t i = 0; i < sizeof number; ++i)
    nonce[nonce.size() - 1 - i] = static_cast<Byte>(number >> (8 * i));
  return nonce;
}

}  // namespace

std::size_t BackupHeader::content_of_block(std::uint64_t number) const {
  const std::uint64_t before = number * block_bytes;
  return static_cast<std::size_t>(std::min<std::uint64_t>(block_bytes, content_bytes - before));
}

std::uint64_t BackupHeader::file_bytes(std::size_t header_bytes) const {
  return header_bytes + content_bytes + blocks() * crypto::kGcmTagBytes;
}

Bytes signed_part(const BackupHeader& header) {
  const Bytes fields = fields_of(header);
  Bytes file;
  ByteWriter out(file);
  out.raw(as_bytes(kBackupMagic));
  out.u8(kBackupVersion);
  out.u32(static_cast<std::uint32_t>(fields.size()));
  out.raw(fields);
  return file;
}

// The signature's place is as long for every signature: what follows stands where it is counted.
Bytes write_backup_header(const BackupHeader& header) {
  Bytes file = signed_part(header);
  ByteWriter out(file);
  out.u8(static_cast<Byte>(header.signature.size()));
  out.raw(header.signature);
  out.raw(Bytes(kBackupSignatureBytes - header.signature.size(), Byte{0}));
  return file;
}

Result<std::size_t> backup_header_bytes(ByteView preamble) {
  ByteReader in(preamble);
  if (as_text(in.raw(kBackupMagic.size())) != kBackupMagic) return no_backup("it begins otherwise");
  if (const Byte version = in.u8(); in.ok() && version != kBackupVersion)
    return fail(Code::unsupported_version, "this backup is of version " + std::to_string(version),
                "Use the nae-keyserver that wrote it, or a newer one.");
  const std::uint32_t fields = in.u32();
  if (!in.ok()) return no_backup("it is cut off");
  const std::size_t all = kBackupPreambleBytes + fields + 1 + kBackupSignatureBytes;
  if (all > kMaxBackupHeaderBytes) return no_backup("its header is too long");
  return all;
}

Result<BackupHeader> parse_backup_header(ByteView file) {
  NAE_ASSIGN(const std::size_t bytes, backup_header_bytes(file));
  if (file.size() != bytes) return no_backup("its header is cut off");
  ByteReader in(file.subspan(kBackupPreambleBytes));
  BackupHeader header;
  const bool id = read_whole(in, header.id);
  header.made_at_s = in.u64();
  const bool key = read_whole(in, header.key.bytes) && read_whole(in, header.salt);
  header.wrapped = copy_of(as_bytes(in.text()));
  header.content = static_cast<BackupContent>(in.u8());
  header.block_bytes = in.u32();
  header.content_bytes = in.u64();
  const std::uint32_t custody = in.u32();
  if (custody > kMaxSetBytes) return no_backup("its custody file is too long");
  header.custody = copy_of(in.raw(custody));
  const std::size_t signature = in.u8();
  if (signature == 0 || signature > kBackupSignatureBytes) return no_backup("it is not signed");
  header.signature = copy_of(in.raw(signature));
  const ByteView filling = in.raw(kBackupSignatureBytes - signature);
  if (!id || !key || !in.complete() || std::ranges::any_of(filling, [](Byte b) { return b != 0; }))
    return no_backup("its header ends otherwise");
  if (header.wrapped.size() < 16 || header.wrapped.size() > kMaxBackupKeyBytes ||
      header.wrapped.size() % 8 != 0)  // RFC 5649
    return no_backup("its key is malformed");
  if (header.content != BackupContent::sqlite_store) return no_backup("it holds something else");
  if (header.block_bytes < kMinBlockBytes || header.block_bytes > kMaxBlockBytes ||
      header.content_bytes == 0 || header.content_bytes > kMaxBackupContentBytes)
    return no_backup("a length is out of range");
  return header;
}

Result<CustodySet> check_backup_header(const BackupHeader& header) {
  NAE_ASSIGN(CustodySet set, parse_custody_set(header.custody));
  NAE_TRY(check_signature(set));
  const auto key = crypto::PublicKey::from_der(set.find(Kept::audit)->public_key);
  const auto good =
      key ? key->verify(SignatureScheme::ecdsa_p256_sha256, signed_part(header), header.signature)
          : Result<bool>(false);
  if (good && *good) return set;
  return fail(Code::authentication_failed, "the signature of the backup is wrong",
              "The file was changed: take another copy of it.");
}

BackupBlocks::BackupBlocks(const crypto::GcmProvider& gcm, const crypto::SecretBytes& key,
                           ByteView header)
    : key_(gcm.key(key)), header_(crypto::sha256(header)) {}

Bytes BackupBlocks::seal(std::uint64_t number, ByteView content) const {
  Bytes block(content.size() + crypto::kGcmTagBytes);
  const ByteSpan sealed = ByteSpan(block).first(content.size());
  key_->seal(block_nonce(number), header_, {}, content, sealed,
             ByteSpan(block).last<crypto::kGcmTagBytes>());
  return block;
}

Result<Bytes> BackupBlocks::open(std::uint64_t number, ByteView block) const {
  const std::string which = "block " + std::to_string(number + 1) + " of the backup";
  if (block.size() <= crypto::kGcmTagBytes)
    return fail(Code::authentication_failed, which + " is cut off");
  Bytes content(block.size() - crypto::kGcmTagBytes);
  if (!key_->open(block_nonce(number), header_, {}, block.first(content.size()),
                  block.last<crypto::kGcmTagBytes>(), content))
    return fail(Code::authentication_failed, which + " was changed, or is another file's",
                "Take another copy of the backup.");
  return content;
}

}  // namespace nae::custody

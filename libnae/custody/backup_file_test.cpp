// Headers and blocks of backup.nae. Whole files are opened by another implementation in
// tests/end_to_end/backup.t.
#include "libnae/custody/backup_file.hpp"

#include <gtest/gtest.h>

#include "libnae/crypto/certificate.hpp"
#include "tests/vectors/vector_file.hpp"

namespace nae::custody {
namespace {

// Signed by an audit key of this test's, and so is the custody set in it.
class BackupFileTest : public testing::Test {
 protected:
  BackupFileTest() {
    auto set =
        parse_custody_set(vectors::read("custody.txt", "2 of 3").front().bytes("file")).value();
    for (KeptKey& key : set.kept)
      if (key.kind == Kept::audit) key.public_key = pair_.spki;
    set.signature = sign(signed_part(set));
    header_.custody = write_custody_set(set);
    header_.id = {1, 2, 3, 4, 5, 6, 7, 8};
    header_.made_at_s = 1'790'000'000;
    header_.salt.fill(9);
    header_.wrapped = Bytes(40, 7);
    header_.block_bytes = 4096;
    header_.content_bytes = 3 * 4096 + 1;
    header_.signature = sign(signed_part(header_));
  }
  Bytes sign(ByteView message) const {
    return (*crypto::software_signer(pair_.private_key_pem))(message).value();
  }
  crypto::SecretBytes key(Byte filled = 1) const {
    crypto::SecretBytes secret(crypto::kGcmKeyBytes);
    std::ranges::fill(secret.expose_for_writing(), filled);
    return secret;
  }
  static Code refusal(ByteView file) {
    auto header = parse_backup_header(file);
    if (header) {
      auto checked = check_backup_header(*header);
      EXPECT_FALSE(checked);
      return checked ? Code{} : checked.error().code;
    }
    return header.error().code;
  }

  const crypto::KeyPair pair_ = crypto::generate_p256().value();
  const std::unique_ptr<const crypto::GcmProvider> gcm_ = crypto::openssl_gcm();
  BackupHeader header_;
};

TEST_F(BackupFileTest, AHeaderIsReadAsItWasWritten) {
  const Bytes written = write_backup_header(header_);
  EXPECT_EQ(backup_header_bytes(ByteView(written).first(kBackupPreambleBytes)), written.size());
  const auto read = parse_backup_header(written);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(write_backup_header(*read), written);
  EXPECT_EQ(read->content_bytes, header_.content_bytes);
  EXPECT_EQ(read->custody, header_.custody);
  const auto set = check_backup_header(*read);
  ASSERT_TRUE(set) << set.error().message;
  EXPECT_EQ(set->k, 2u);
  EXPECT_EQ(header_.blocks(), 4u);
  EXPECT_EQ(header_.content_of_block(2), 4096u);
  EXPECT_EQ(header_.content_of_block(3), 1u);
  EXPECT_EQ(header_.file_bytes(100), 100 + header_.content_bytes + 4 * 16);
}

TEST_F(BackupFileTest, EveryFlippedByteOfAHeaderIsRefused) {
  const Bytes written = write_backup_header(header_);
  for (std::size_t at = 0; at < written.size(); ++at) {
    Bytes changed = written;
    changed[at] ^= 1;
    const Code code = refusal(changed);
    EXPECT_TRUE(code == Code::invalid_argument || code == Code::authentication_failed ||
                code == Code::unsupported_version)
        << at;
  }
}

TEST_F(BackupFileTest, ACutHeaderIsRefused) {
  const Bytes written = write_backup_header(header_);
  for (std::size_t bytes = 0; bytes < written.size(); bytes += bytes < 200 ? 1 : 97)
    EXPECT_EQ(refusal(ByteView(written).first(bytes)), Code::invalid_argument) << bytes;
  Bytes longer = written;
  longer.push_back(0);
  EXPECT_EQ(refusal(longer), Code::invalid_argument);
}

TEST_F(BackupFileTest, LengthsOutOfRangeAreRefused) {
  const BackupHeader good = header_;
  auto refused = [&](auto change) {
    header_ = good;
    change(header_);
    header_.signature = sign(signed_part(header_));
    return refusal(write_backup_header(header_)) == Code::invalid_argument;
  };
  EXPECT_TRUE(refused([](BackupHeader& h) { h.content_bytes = 0; }));
  EXPECT_TRUE(refused([](BackupHeader& h) { h.content_bytes = kMaxBackupContentBytes + 1; }));
  EXPECT_TRUE(refused([](BackupHeader& h) { h.block_bytes = 4095; }));
  EXPECT_TRUE(refused([](BackupHeader& h) { h.block_bytes = (16u << 20) + 1; }));
  EXPECT_TRUE(refused([](BackupHeader& h) { h.wrapped = Bytes(41); }));
  EXPECT_TRUE(refused([](BackupHeader& h) { h.wrapped = Bytes(72); }));
  EXPECT_TRUE(refused([](BackupHeader& h) { h.content = static_cast<BackupContent>(2); }));
  header_ = good;
  header_.content_bytes = kMaxBackupContentBytes;
  EXPECT_TRUE(parse_backup_header(write_backup_header(header_)));
}

TEST_F(BackupFileTest, ASignatureOfAnotherKeyIsRefused) {
  const auto other = crypto::generate_p256().value();
  header_.signature =
      (*crypto::software_signer(other.private_key_pem))(signed_part(header_)).value();
  EXPECT_EQ(refusal(write_backup_header(header_)), Code::authentication_failed);
}

TEST_F(BackupFileTest, ABlockOpensInItsPlaceAlone) {
  const Bytes written = write_backup_header(header_);
  const BackupBlocks blocks(*gcm_, key(), written);
  const Bytes content(4096, 5);
  const Bytes block = blocks.seal(2, content);
  EXPECT_EQ(block.size(), content.size() + crypto::kGcmTagBytes);
  EXPECT_EQ(blocks.open(2, block), content);
  EXPECT_EQ(blocks.open(1, block).error().code, Code::authentication_failed);
  EXPECT_EQ(blocks.open(2, ByteView(block).first(block.size() - 1)).error().code,
            Code::authentication_failed);
  EXPECT_EQ(blocks.open(2, ByteView(block).first(crypto::kGcmTagBytes)).error().code,
            Code::authentication_failed);
  EXPECT_EQ(BackupBlocks(*gcm_, key(2), written).open(2, block).error().code,
            Code::authentication_failed);
  header_.made_at_s += 1;
  EXPECT_EQ(BackupBlocks(*gcm_, key(), write_backup_header(header_)).open(2, block).error().code,
            Code::authentication_failed)
      << "it is of another file";
  Bytes flipped = block;
  flipped[100] ^= 1;
  EXPECT_EQ(blocks.open(2, flipped).error().code, Code::authentication_failed);
}

}  // namespace
}  // namespace nae::custody

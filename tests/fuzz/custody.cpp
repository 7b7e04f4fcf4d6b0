// libFuzzer: custody files, what a card decrypts for one of them, files of cards, and headers of
// backups. What is read is written again byte for byte; a share is taken from its own sealed text
// alone; what was changed has no good signature.
#include <algorithm>

#include "libnae/crypto/random.hpp"
#include "libnae/custody/backup_file.hpp"
#include "libnae/custody/card.hpp"
#include "libnae/custody/custody_secret.hpp"
#include "tests/fuzz/property.hpp"
#include "tests/fuzz/secure_heap.hpp"

using namespace nae;
using namespace nae::fuzz;

namespace {

crypto::SecretBytes secret_of(ByteView bytes) {
  crypto::SecretBytes secret(bytes.size());
  std::ranges::copy(bytes, secret.expose_for_writing().begin());
  return secret;
}

void check_file(ByteView file) {
  const auto set = custody::parse_custody_set(file);
  if (!set) return require_refusal(set.error());
  require(std::ranges::equal(custody::write_custody_set(*set), file));
  require(custody::check_quorum({set->k, set->n()}).has_value());
  if (const auto good = custody::check_signature(*set); !good)
    return require_refusal(good.error(), Code::authentication_failed);
  custody::CustodySet changed = *set;
  changed.check[0] ^= 1;
  require(!custody::check_signature(changed));
}

// Of a set that nobody has sealed to anybody: no text is its share.
void check_share(ByteView plaintext) {
  custody::CustodySet set;
  set.shares.resize(2);
  for (custody::ShareRecord& share : set.shares) share.holder = "holder";
  for (std::size_t i = 0; i < set.n(); ++i) {
    const auto share = custody::open_share(set, i, secret_of(plaintext));
    require(!share);
    require(share.error().code == Code::conflict ||
            share.error().code == Code::authentication_failed);
    require_refusal(share.error());
  }
}

void check_card(ByteView file) {
  const auto card = custody::read_card("holder", custody::Sealing::rsa_oaep_sha256, file);
  if (!card) return require_refusal(card.error());
  custody::CustodySet set;
  const crypto::SecretBytes secret = secret_of(Bytes(custody::kSecretBytes, 7));
  require(
      custody::seal_shares(set, secret, 1, std::span(&*card, 1), crypto::random_bytes).has_value());
  require(set.shares.front().sealed.size() >= 256);
}

// The header is read as the file's first bytes say how long it is; what is signed is all of it.
void check_backup(ByteView file) {
  const auto bytes = custody::backup_header_bytes(file);
  if (!bytes) return require_refusal(bytes.error());
  const auto header = custody::parse_backup_header(file);
  if (!header) return require_refusal(header.error());
  require(*bytes == file.size());
  require(std::ranges::equal(custody::write_backup_header(*header), file));
  require(header->blocks() > 0 && header->content_of_block(header->blocks() - 1) > 0);
  const auto set = custody::check_backup_header(*header);
  if (!set) return require_refusal(set.error());
  custody::BackupHeader changed = *header;
  changed.content_bytes ^= 1;
  require(!custody::check_backup_header(changed));
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  take_secure_heap();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteView rest(data + 1, size - 1);
  switch (data[0] % 4) {
    case 0:
      check_file(rest);
      break;
    case 1:
      check_share(rest);
      break;
    case 2:
      check_card(rest);
      break;
    default:
      check_backup(rest);
  }
  return 0;
}

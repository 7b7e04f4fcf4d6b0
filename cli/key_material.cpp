#include "cli/key_material.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "keyserver/admin/api/json.hpp"
#include "libnae/base/text.hpp"
#include "libnae/crypto/base64.hpp"
#include "libnae/crypto/hash.hpp"
#include "libnae/crypto/key_transport.hpp"
#include "libnae/crypto/private_key.hpp"
#include "libnae/crypto/public_key.hpp"

namespace nae::cli {
namespace {

using admin::api::shown;

constexpr std::size_t kAesKeyBytes = 32;
constexpr std::size_t kMinHmacBytes = 16;
constexpr std::size_t kMaxHmacBytes = 128;
// HMAC fills short keys up with zero bytes and hashes those longer than a block (RFC 2104): done
// here they stay the same keys, in lengths that every HSM takes.
constexpr std::size_t kFilledHmacBytes = 32;
constexpr std::size_t kHmacBlockBytes = 64;

tl::unexpected<Error> unreadable(const std::string& file) {
  return fail(Code::file_failed, "cannot read " + file + ": " + std::strerror(errno));
}

// read_file() would leave the key in ordinary memory.
Result<crypto::SecretBytes> read_secret_file(const std::string& file) {
  const int descriptor =
      file == "-" ? ::dup(STDIN_FILENO) : ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return unreadable(file);
  crypto::SecretBytes buffer(kMaxKeyFileBytes + 1);
  std::size_t size = 0;
  ssize_t got = 1;
  while (got > 0 && size < buffer.size()) {
    got = ::read(descriptor, buffer.expose_for_writing().data() + size, buffer.size() - size);
    if (got > 0) size += static_cast<std::size_t>(got);
    if (got < 0 && errno == EINTR) got = 1;
  }
  const int error = errno;
  ::close(descriptor);
  errno = error;
  if (got < 0) return unreadable(file);
  if (size > kMaxKeyFileBytes)
    return fail(Code::file_failed, file + " is longer than a key file",
                "Check that it is the right file.");
  crypto::SecretBytes content(size);
  std::ranges::copy(buffer.expose().first(size), content.expose_for_writing().begin());
  return content;
}

Result<crypto::SecretBytes> decoded(const crypto::SecretBytes& file, const std::string& encoding) {
  ByteView text = file.expose();
  if (encoding != "raw")
    while (!text.empty() && std::strchr(" \t\r\n", text.back())) text = text.first(text.size() - 1);
  Result<Bytes> bytes = encoding == "hex"      ? from_hex(as_text(text))
                        : encoding == "base64" ? crypto::from_base64(as_text(text))
                                               : Result<Bytes>(Bytes(text.begin(), text.end()));
  // No detail: it would be a piece of the key.
  if (!bytes) return fail(Code::invalid_argument, "the key file is not " + encoding);
  crypto::SecretBytes secret(bytes->size());
  std::ranges::copy(*bytes, secret.expose_for_writing().begin());
  return secret;
}

Result<crypto::SecretBytes> checked_secret(crypto::SecretBytes secret, KeyType type) {
  if (type != KeyType::hmac_sha_256_raw) {
    if (secret.size() == kAesKeyBytes) return secret;
    return fail(Code::invalid_argument,
                "the key has " + std::to_string(secret.size()) + " bytes, not 32",
                "Say by --encoding how it stands in the file.");
  }
  if (secret.size() < kMinHmacBytes || secret.size() > kMaxHmacBytes)
    return fail(Code::invalid_argument,
                "the key has " + std::to_string(secret.size()) + " bytes, not 16 to 128");
  if (secret.size() >= kFilledHmacBytes && secret.size() <= kHmacBlockBytes) return secret;
  crypto::SecretBytes filled(kFilledHmacBytes);
  std::ranges::fill(filled.expose_for_writing(), Byte{0});
  if (secret.size() <= kHmacBlockBytes) {
    std::ranges::copy(secret.expose(), filled.expose_for_writing().begin());
    return filled;
  }
  crypto::Sha256Digest hashed = crypto::sha256(secret.expose());
  std::ranges::copy(hashed, filled.expose_for_writing().begin());
  ::explicit_bzero(hashed.data(), hashed.size());
  return filled;
}

}  // namespace

bool is_private(KeyType type) {
  return is_pair(type);
}

std::vector<std::string> importable_types() {
  std::vector<std::string> names;
  for (const KeyTypeRow& row : key_types())
    if (is_wrappable(row.type) && row.type != KeyType::hmac_sha_256) names.emplace_back(row.name);
  return names;
}

Result<Material> material_in(const std::string& file, KeyType type, const std::string& encoding) {
  NAE_ASSIGN(const crypto::SecretBytes content, read_secret_file(file));
  Material material;
  if (!is_private(type)) {
    NAE_ASSIGN(crypto::SecretBytes secret, decoded(content, encoding));
    NAE_ASSIGN(material.key, checked_secret(std::move(secret), type));
    return material;
  }
  const bool signs = allows(type, nae::Action::sign);
  NAE_ASSIGN(crypto::PrivateKey key,
             crypto::read_private_key(content, signs ? std::nullopt : std::optional(type)));
  if (key.type != type)
    return fail(Code::invalid_argument, "the file holds a key of type " +
                                            std::string(nae::name(key.type)) + ", not " +
                                            std::string(nae::name(type)));
  NAE_ASSIGN(const auto public_key, crypto::PublicKey::of_type(type, key.public_key));
  material.public_key_pem = public_key.pem();
  material.key = std::move(key.pkcs8);
  return material;
}

Result<Bytes> wrapped_for(const boost::json::value& import_key, const crypto::SecretBytes& key) {
  NAE_ASSIGN(const auto wrapping, crypto::PublicKey::from_pem(shown(import_key, "public_key")));
  const auto hash = hash_from_name(shown(import_key, "hash"));
  if (hash != HashAlgorithm::sha256 && hash != HashAlgorithm::sha1)
    return fail(Code::unsupported, "the server offers a wrapping that this program does not know");
  return crypto::wrap_for_transport(wrapping.der(), *hash, key);
}

}  // namespace nae::cli

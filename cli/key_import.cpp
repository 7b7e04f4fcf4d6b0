// nae key import-key | import
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ostream>

#include "cli/command.hpp"
#include "cli/input.hpp"
#include "libnae/base/algorithm.hpp"
#include "libnae/base/text.hpp"
#include "libnae/crypto/base64.hpp"
#include "libnae/crypto/hash.hpp"
#include "libnae/crypto/key_transport.hpp"
#include "libnae/crypto/private_key.hpp"
#include "libnae/crypto/public_key.hpp"

namespace nae::cli {
namespace {

using admin::api::shown;

constexpr std::size_t kMaxKeyFileBytes = 16u << 10;
constexpr std::size_t kSecureHeapBytes = 256u << 10;
constexpr std::size_t kAesKeyBytes = 32;
constexpr std::size_t kMinHmacBytes = 16;
constexpr std::size_t kMaxHmacBytes = 128;
// HMAC fills short keys up with zero bytes and hashes those longer than a block (RFC 2104): done
// here they stay the same keys, in lengths that every HSM takes.
constexpr std::size_t kFilledHmacBytes = 32;
constexpr std::size_t kHmacBlockBytes = 64;

bool is_private(KeyType type) {
  return allows(type, nae::Action::sign);
}

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

struct ImportOptions {
  std::string name, type, from, encoding, wrapped, public_key, protection = "wrapped";
};

struct Material {
  crypto::SecretBytes key;
  std::string public_key_pem;
};

Result<Material> read_material(const ImportOptions& options, KeyType type) {
  NAE_ASSIGN(const crypto::SecretBytes file, read_secret_file(options.from));
  Material material;
  if (!is_private(type)) {
    NAE_ASSIGN(crypto::SecretBytes secret, decoded(file, options.encoding));
    NAE_ASSIGN(material.key, checked_secret(std::move(secret), type));
    return material;
  }
  NAE_ASSIGN(crypto::PrivateKey key, crypto::read_private_key(file));
  if (key.type != type)
    return fail(Code::invalid_argument, "the file holds a key of type " +
                                            std::string(nae::name(key.type)) + ", not " +
                                            options.type);
  NAE_ASSIGN(const auto public_key, crypto::PublicKey::from_der(key.public_key));
  material.public_key_pem = public_key.pem();
  material.key = std::move(key.pkcs8);
  return material;
}

Outcome<Bytes> wrap_for(Server& server, const crypto::SecretBytes& key) {
  NAE_ANSWER(const json::value offered, server.call("GET", "/v1/import-key"));
  NAE_ASSIGN(const auto import_key, crypto::PublicKey::from_pem(shown(offered, "public_key")));
  const auto hash = hash_from_name(shown(offered, "hash"));
  if (hash != HashAlgorithm::sha256 && hash != HashAlgorithm::sha1)
    return tl::unexpected<Failure>(
        Error(Code::unsupported, "the server offers a wrapping that this program does not know"));
  NAE_ASSIGN(Bytes wrapped, crypto::wrap_for_transport(import_key.der(), *hash, key));
  return wrapped;
}

// Options that contradict each other, before a file is read or a server asked.
Result<void> check_options(const ImportOptions& options, KeyType type) {
  if (options.from.empty() == options.wrapped.empty())
    return fail(Code::invalid_argument, "give either --from or --wrapped");
  if (!options.wrapped.empty() && is_private(type) == options.public_key.empty())
    return fail(Code::invalid_argument, is_private(type)
                                            ? "--wrapped of a private key needs --public"
                                            : "a secret key has no public key");
  if (!options.from.empty() && !options.public_key.empty())
    return fail(Code::invalid_argument, "--public goes with --wrapped",
                "The public key is computed from the private key.");
  if (!options.from.empty() && !is_private(type) && options.encoding.empty())
    return fail(Code::invalid_argument, "say by --encoding how the key stands in the file",
                "raw, hex or base64: a key read in the wrong way is another key.");
  return {};
}

Outcome<ExitCode> import(Call& call, const ImportOptions& options) {
  NAE_ANSWER(std::string name, checked_name(options.name));
  const KeyType type = *key_type_from_name(options.type);
  if (auto checked = check_options(options, type); !checked)
    return tl::unexpected<Failure>(checked.error());
  NAE_ASSIGN(const crypto::SecureHeap heap, crypto::SecureHeap::take(kSecureHeapBytes));
  json::object body{{"type", options.type}, {"protection", options.protection}};
  Material material;
  Bytes wrapped;
  if (options.from.empty()) {
    NAE_ASSIGN(const std::string file, content_of(options.wrapped, kMaxKeyFileBytes));
    wrapped.assign(file.begin(), file.end());
    if (is_private(type)) {
      NAE_ASSIGN(material.public_key_pem, content_of(options.public_key, kMaxKeyFileBytes));
    }
  } else {
    NAE_ASSIGN(material, read_material(options, type));
  }
  NAE_ANSWER(auto server, call.server());
  if (!options.from.empty()) {
    NAE_ANSWER(wrapped, wrap_for(*server, material.key));
  }
  body["wrapped"] = crypto::to_base64(wrapped);
  if (is_private(type)) body["public_key"] = material.public_key_pem;
  NAE_ANSWER(const json::value key, server->call("POST", "/v1/keys/" + name + "/import", body));
  call.show(key, [&] {
    call.out << "Key " << name << " is imported; it has the id " << shown(key, "id") << ".\n"
             << "Its copy outside the HSM is now yours to destroy.\n";
  });
  return kOk;
}

struct NoOptions {};
Outcome<ExitCode> import_key(Call& call, const NoOptions&) {
  NAE_ANSWER(auto server, call.server());
  NAE_ANSWER(const json::value key, server->call("GET", "/v1/import-key"));
  call.show(key, [&] {
    call.out << shown(key, "public_key") << "type " << shown(key, "type") << ", OAEP and MGF1 with "
             << shown(key, "hash") << ", no label\n";
  });
  return kOk;
}

std::vector<std::string> importable_types() {
  std::vector<std::string> names;
  for (const KeyTypeRow& row : key_types())
    if (row.type != KeyType::ed25519 && row.type != KeyType::hmac_sha_256)
      names.emplace_back(row.name);
  return names;
}

}  // namespace

void add_key_import(CLI::App& key, Action& chosen) {
  add_leaf<NoOptions>(key, "import-key",
                      "Show the public key that keys to be imported are wrapped for", chosen,
                      import_key)
      .first->fallthrough()
      ->footer(
          "Made inside the HSM at the first call. Takes the role key-admin.\n\n"
          "Example:\n  nae key import-key");

  auto [leaf, options] = add_leaf<ImportOptions>(
      key, "import", "Bring in a key that was made elsewhere", chosen, import);
  leaf->add_option("NAME", options->name, "Name of the new key")->required();
  leaf->add_option("--type", options->type, "Key type")
      ->required()
      ->check(CLI::IsMember(importable_types()));
  leaf->add_option("--from", options->from, "File with the key in clear; - for standard input");
  leaf->add_option("--encoding", options->encoding, "How a secret stands in the file")
      ->check(CLI::IsMember({"raw", "hex", "base64"}));
  leaf->add_option("--wrapped", options->wrapped, "File with the key wrapped for the import key");
  leaf->add_option("--public", options->public_key, "Public key (PEM) of a wrapped private key");
  leaf->add_option("--protection", options->protection, "wrapped or hsm-only")
      ->check(CLI::IsMember({"wrapped", "hsm-only"}))
      ->capture_default_str();
  leaf->fallthrough()->footer(
      "The key is wrapped here and unwrapped inside the HSM: AES-KWP under a fresh AES-256 key, "
      "that\n"
      "under RSA-OAEP, as PKCS#11's CKM_RSA_AES_KEY_WRAP has it. Private keys are PEM or PKCS#8 "
      "DER.\n"
      "hmac-sha-256-raw gives the same HMACs as everywhere else. An AES key becomes the secret "
      "from\n"
      "which NAE derives; ciphertexts made elsewhere are not readable with it.\n\n"
      "Examples:\n"
      "  nae key import contracts --type ecdsa-p256 --from contracts.pem\n"
      "  nae key import webhooks --type hmac-sha-256-raw --from webhooks.hex --encoding hex\n"
      "  nae key import ca --type rsa-4096 --wrapped ca.wrapped --public ca.pub");
}

}  // namespace nae::cli

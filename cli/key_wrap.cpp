// nae key wrap
#include <ostream>

#include "cli/command.hpp"
#include "cli/input.hpp"
#include "cli/key_material.hpp"
#include "libnae/base/file.hpp"

namespace nae::cli {
namespace {

constexpr std::size_t kMaxImportKeyBytes = 64u << 10;
constexpr unsigned kWrappedMode = 0600;
constexpr unsigned kPublicMode = 0644;

struct WrapOptions {
  std::string type, from, encoding, import_key, out, public_out;
};

Result<void> check_options(const WrapOptions& options, KeyType type) {
  if (is_private(type) == options.public_out.empty())
    return fail(Code::invalid_argument, is_private(type)
                                            ? "say by --public-out where the public key goes"
                                            : "a secret key has no public key");
  if (!is_private(type) && options.encoding.empty())
    return fail(Code::invalid_argument, "say by --encoding how the key stands in the file",
                "raw, hex or base64: a key read in the wrong way is another key.");
  return {};
}

// No server is asked: the key may be where none is reached.
Outcome<ExitCode> wrap(Call& call, const WrapOptions& options) {
  const KeyType type = *key_type_from_name(options.type);
  if (auto checked = check_options(options, type); !checked)
    return tl::unexpected<Failure>(checked.error());
  NAE_ASSIGN(const std::string offered, content_of(options.import_key, kMaxImportKeyBytes));
  auto parsed = admin::api::parse_object(offered);
  if (!parsed)
    return tl::unexpected<Failure>(
        Error(Code::invalid_argument, options.import_key + " is no import key",
              "Write it with: nae --json key import-key > import-key.json"));
  NAE_ASSIGN(const crypto::SecureHeap heap, crypto::SecureHeap::take(kSecureHeapBytes));
  NAE_ASSIGN(const Material material, material_in(options.from, type, options.encoding));
  NAE_ASSIGN(const Bytes wrapped, wrapped_for(*std::move(parsed), material.key));
  NAE_TRY(write_new_file(options.out, wrapped, kWrappedMode));
  json::object done{{"wrapped_file", options.out}, {"type", options.type}};
  if (is_private(type)) {
    NAE_TRY(write_new_file(options.public_out, as_bytes(material.public_key_pem), kPublicMode));
    done["public_file"] = options.public_out;
  }
  call.show(done, [&] {
    call.out << "The key is wrapped in " << printable(options.out) << ". Where the server is:\n"
             << "  nae key import NAME --type " << options.type << " --wrapped "
             << printable(options.out);
    if (is_private(type)) call.out << " --public " << printable(options.public_out);
    call.out << '\n';
  });
  return kOk;
}

}  // namespace

void add_key_wrap(CLI::App& key, Action& chosen) {
  auto [leaf, options] = add_leaf<WrapOptions>(
      key, "wrap", "Wrap a key for the import key, where the server is not reached", chosen, wrap);
  leaf->add_option("--type", options->type, "Key type")
      ->required()
      ->check(CLI::IsMember(importable_types()));
  leaf->add_option("--from", options->from, "File with the key in clear; - for standard input")
      ->required();
  leaf->add_option("--encoding", options->encoding, "How a secret stands in the file")
      ->check(CLI::IsMember({"raw", "hex", "base64"}));
  leaf->add_option("--import-key", options->import_key,
                   "What 'nae --json key import-key' printed; - for standard input")
      ->required();
  leaf->add_option("--out", options->out, "File for the wrapped key; it must not exist")
      ->required();
  leaf->add_option("--public-out", options->public_out,
                   "File for the public key of a private one; it must not exist");
  leaf->fallthrough()->footer(
      "AES-KWP under a fresh AES-256 key, that under RSA-OAEP, as PKCS#11's CKM_RSA_AES_KEY_WRAP\n"
      "has it. Asks no server and needs no profile.\n\n"
      "Examples:\n"
      "  nae --json key import-key > import-key.json                       (where the server is)\n"
      "  nae key wrap --type ecdsa-p256 --from contracts.pem --import-key import-key.json \\\n"
      "    --out contracts.wrapped --public-out contracts.pub              (where the key is)\n"
      "  nae key import contracts --type ecdsa-p256 --wrapped contracts.wrapped \\\n"
      "    --public contracts.pub                                          (where the server is)");
}

}  // namespace nae::cli

// nae key import-key | import
#include <ostream>

#include "cli/command.hpp"
#include "cli/input.hpp"
#include "cli/key_material.hpp"
#include "libnae/crypto/base64.hpp"

namespace nae::cli {
namespace {

using admin::api::shown;

struct ImportOptions {
  std::string name, type, from, encoding, wrapped, public_key, protection;
};

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
  json::object body{{"type", options.type}};
  if (!options.protection.empty()) body["protection"] = options.protection;
  Material material;
  Bytes wrapped;
  if (options.from.empty()) {
    NAE_ASSIGN(const std::string file, content_of(options.wrapped, kMaxKeyFileBytes));
    wrapped.assign(file.begin(), file.end());
    if (is_private(type)) {
      NAE_ASSIGN(material.public_key_pem, content_of(options.public_key, kMaxKeyFileBytes));
    }
  } else {
    NAE_ASSIGN(material, material_in(options.from, type, options.encoding));
  }
  NAE_ANSWER(auto server, call.server());
  if (!options.from.empty()) {
    NAE_ANSWER(const json::value import_key, server->call("GET", "/v1/import-key"));
    NAE_ASSIGN(wrapped, wrapped_for(import_key, material.key));
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

Outcome<ExitCode> import_key(Call& call, const NoOptions&) {
  NAE_ANSWER(auto server, call.server());
  NAE_ANSWER(const json::value key, server->call("GET", "/v1/import-key"));
  call.show(key, [&] {
    call.out << shown(key, "public_key") << "type " << shown(key, "type") << ", OAEP and MGF1 with "
             << shown(key, "hash") << ", no label\n";
  });
  return kOk;
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
  leaf->add_option("--protection", options->protection,
                   "wrapped, which is usual, or hsm-only, as aes-256-raw is")
      ->check(CLI::IsMember({"wrapped", "hsm-only"}));
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

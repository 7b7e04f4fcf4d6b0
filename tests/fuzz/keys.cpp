// libFuzzer: files and messages with keys in them: public keys and certificates in PEM and DER,
// requests for certificates, private keys on their way into the HSM, base64, raw signatures. What
// is accepted is written again as what reads the same. The mutator changes the DER inside a PEM.
#include <algorithm>
#include <string>

#include "libnae/base/text.hpp"
#include "libnae/crypto/base64.hpp"
#include "libnae/crypto/certificate.hpp"
#include "libnae/crypto/certificate_chain.hpp"
#include "libnae/crypto/ecdsa_signature.hpp"
#include "libnae/crypto/jwk.hpp"
#include "libnae/crypto/key_strength.hpp"
#include "libnae/crypto/key_transport.hpp"
#include "libnae/crypto/private_key.hpp"
#include "libnae/crypto/public_key.hpp"
#include "libnae/crypto/spki.hpp"
#include "tests/fuzz/property.hpp"

using namespace nae;
using namespace nae::fuzz;
using namespace nae::crypto;

namespace {

void check_public_key(const Result<PublicKey>& key) {
  if (!key) return require_refusal(key.error());
  auto from_der = PublicKey::from_der(key->der());
  auto from_pem = PublicKey::from_pem(key->pem());
  require(from_der && from_der->type() == key->type() && from_der->der() == key->der());
  require(from_pem && from_pem->der() == key->der());
  const Bytes der = key->der();
  auto members = jwk_members(der);
  require(members && members->size() >= 3);
  Bytes longer = der;
  longer.push_back(0);
  require(!PublicKey::from_der(longer));
  auto verified = key->verify(SignatureScheme::key_default, der, der);
  require(!verified || !*verified);
  // Of RSA that is a hunt for primes, milliseconds long.
  const bool ec = key->type() == KeyType::ecdsa_p256 || key->type() == KeyType::ecdsa_p384;
  if (!ec) return;
  if (auto strong = check_strength(*key); !strong)
    require_refusal(strong.error(), Code::invalid_argument);
}

void check_certificate(ByteView bytes) {
  auto certificate = read_certificate(bytes);
  if (!certificate) return require_refusal(certificate.error());
  require(certificate->fingerprint.size() == 64 && from_hex(certificate->fingerprint).has_value());
  for (const auto* names : {&certificate->uri_names, &certificate->dns_names})
    for (const std::string& name : *names)
      require(std::ranges::all_of(name, [](char c) { return c >= 0x20 && c < 0x7f; }));
}

void check_chain(std::string_view pem) {
  const auto chain = chain_from_pem(pem);
  if (!chain) return require_refusal(chain.error(), Code::invalid_argument);
  const auto certificates = certificates_in(*chain);
  require(certificates && !certificates->empty() && certificates->size() <= kMaxChainCertificates);
  require(chain->size() <= kMaxChainBytes && leaf_of(*chain).has_value());
  const auto written = chain_to_pem(*chain);
  require(written && chain_from_pem(*written) == *chain);
}

void check_request(std::string_view pem) {
  auto request = read_request(pem);
  if (!request) return require_refusal(request.error());
  auto key = PublicKey::from_der(request->spki);
  require(key && key->type() == KeyType::ecdsa_p256);
}

void check_private_key(ByteView bytes) {
  SecretBytes file(bytes.size());
  std::ranges::copy(bytes, file.expose_for_writing().begin());
  auto key = read_private_key(file);
  if (!key) return require_refusal(key.error());
  auto public_key = PublicKey::from_der(key->public_key);
  require(public_key && public_key->type() == key->type && key->pkcs8.size() > 0);
}

void check_base64(std::string_view text) {
  auto bytes = from_base64(text);
  if (!bytes) return require_refusal(bytes.error(), Code::invalid_argument);
  auto again = from_base64(to_base64(*bytes));
  require(again && *again == *bytes);
}

void check_spki(const Result<Bytes>& spki) {
  if (!spki) return require_refusal(spki.error());
  auto key = PublicKey::from_der(*spki);
  require(key && key->der() == *spki);
}

void check_numbers(ByteView bytes) {
  constexpr std::size_t kExponentBytes = 3;  // of 65537
  if (auto der = ecdsa_signature_der(bytes); !der)
    require_refusal(der.error(), Code::signature_malformed);
  check_spki(spki_of_ec(KeyType::ecdsa_p256, bytes));
  check_spki(spki_of_ec(KeyType::ecdsa_p384, bytes));
  check_spki(spki_of_edwards(KeyType::ed25519, bytes));
  if (bytes.size() > kExponentBytes)
    check_spki(spki_of_rsa(bytes.first(bytes.size() - kExponentBytes), bytes.last(kExponentBytes)));
}

// OpenSSL looks through all its decoders for each way of reading, milliseconds long with the
// sanitizers, whatever the input is. So each is read as what it looks like, and in one other way.
enum Way : unsigned { public_pem, public_der, certificate, request, private_key, ways };

Way likely_way(ByteView bytes, std::string_view text) {
  constexpr Byte kSequence = 0x30, kInteger = 0x02;
  const std::string_view label = text.substr(0, text.find('\n'));
  if (label.find("REQUEST") != label.npos) return request;
  if (label.find("CERTIFICATE") != label.npos) return certificate;
  if (label.find("PRIVATE") != label.npos) return private_key;
  if (label.starts_with("-----BEGIN")) return public_pem;
  // A certificate's outermost sequence begins with one of the longer form, as does its content.
  if (bytes.size() < 8 || bytes[0] != kSequence) return public_der;
  const std::size_t inner = bytes[1] < 0x80 ? 2 : 2 + (bytes[1] & 3);
  if (bytes[inner] == kInteger) return private_key;
  return bytes[inner + 1] < 0x80 ? public_der : certificate;
}

void read(Way way, ByteView bytes, std::string_view text) {
  switch (way) {
    case public_pem:
      return check_public_key(PublicKey::from_pem(text));
    case public_der:
      return check_public_key(PublicKey::from_der(bytes));
    case certificate:
      check_chain(text);
      return check_certificate(bytes);
    case request:
      return check_request(text);
    case private_key:
      return bytes.empty() ? void() : check_private_key(bytes);
    case ways:
      return;
  }
}

constexpr std::string_view kBegin = "-----BEGIN ", kEnd = "-----\n";

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  static auto heap = SecureHeap::take(1u << 20);
  require(heap.has_value());
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes(data, size);
  const std::string_view text = text_of(data, size);
  const Way likely = likely_way(bytes, text);
  read(likely, bytes, text);
  constexpr unsigned kOneOf = 16;
  const unsigned other = size == 0 ? 0 : bytes.back() ^ bytes[size / 2];
  if (other % kOneOf == 0 && other / kOneOf % ways != likely)
    read(static_cast<Way>(other / kOneOf % ways), bytes, text);
  check_base64(text);
  check_numbers(bytes);
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned seed) {
  const std::string_view text = text_of(data, size);
  const std::size_t label_end = text.starts_with(kBegin) ? text.find(kEnd) : text.npos;
  const std::size_t end = text.find("-----END");
  if (seed % 4 == 0 || label_end == text.npos || end == text.npos || end < label_end)
    return LLVMFuzzerMutate(data, size, max_size);
  std::string body(text.substr(label_end + kEnd.size(), end - label_end - kEnd.size()));
  std::erase(body, '\n');
  auto der = from_base64(body);
  if (!der) return LLVMFuzzerMutate(data, size, max_size);
  const std::size_t before = der->size();
  der->resize(before + 8);
  der->resize(LLVMFuzzerMutate(der->data(), before, before + 8));
  const std::string label(text.substr(kBegin.size(), label_end - kBegin.size()));
  std::string encoded = to_base64(*der), out = std::string(kBegin) + label + std::string(kEnd);
  for (std::size_t at = 0; at < encoded.size(); at += 64) out += encoded.substr(at, 64) + "\n";
  out += "-----END " + label + std::string(kEnd);
  if (out.size() > max_size) return LLVMFuzzerMutate(data, size, max_size);
  std::ranges::copy(out, data);
  return out.size();
}

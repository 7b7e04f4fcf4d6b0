#include "libnae/crypto/key_request.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "libnae/crypto/handle.hpp"

namespace nae::crypto {
namespace {

using RequestBio = handle<BIO, BIO_free_all>;
using RequestKey = handle<EVP_PKEY, EVP_PKEY_free>;
using Unsigned = handle<X509_REQ, X509_REQ_free>;

tl::unexpected<Error> refused_request(const std::string& what, const std::string& hint = {}) {
  ERR_clear_error();
  return fail(Code::invalid_argument, what, hint);
}

// "CN=www.example" of "/CN=www.example/O=Example", which then begins behind it.
std::string next_part(std::string_view& subject) {
  std::string part;
  subject.remove_prefix(1);
  while (!subject.empty() && subject.front() != '/') {
    if (subject.starts_with("\\") && subject.size() > 1) subject.remove_prefix(1);
    part += subject.front();
    subject.remove_prefix(1);
  }
  return part;
}

Result<void> write_subject(X509_NAME* name, std::string_view subject) {
  constexpr char kForm[] = "Such as /CN=www.example/O=Example.";
  if (subject.size() > kMaxSubjectBytes || !subject.starts_with("/"))
    return refused_request("the subject does not begin with a slash, or is too long", kForm);
  while (!subject.empty()) {
    const std::string part = next_part(subject);
    const std::size_t equals = part.find('=');
    if (equals == 0 || equals == std::string::npos || equals + 1 == part.size())
      return refused_request("a part of the subject is not NAME=VALUE", kForm);
    const std::string value = part.substr(equals + 1);
    if (std::ranges::any_of(value, [](unsigned char c) { return c < 0x20 || c == 0x7f; }))
      return refused_request("the subject has a control character");
    if (X509_NAME_add_entry_by_txt(name, part.substr(0, equals).c_str(), MBSTRING_UTF8,
                                   reinterpret_cast<const unsigned char*>(value.data()),
                                   static_cast<int>(value.size()), -1, 0) != 1)
      return refused_request("a part of the subject is not known, or has a value that it cannot",
                             kForm);
  }
  return {};
}

struct NameKind {
  std::string_view prefix;
  int type;
};
constexpr NameKind kNameKinds[] = {
    {"DNS:", GEN_DNS}, {"IP:", GEN_IPADD}, {"URI:", GEN_URI}, {"email:", GEN_EMAIL}};

// Built as structures: the text syntax of OpenSSL's configuration would let a name add names.
Result<void> push_name(GENERAL_NAMES* names, std::string_view text) {
  const auto* kind = std::ranges::find_if(
      kNameKinds, [&](const NameKind& known) { return text.starts_with(known.prefix); });
  constexpr char kForms[] =
      "DNS:www.example, IP:10.0.0.1, URI:https://www.example, email:a@b.example";
  if (kind == std::end(kNameKinds))
    return refused_request("a name does not say of which kind it is", kForms);
  const std::string value(text.substr(kind->prefix.size()));
  if (value.empty() || !std::ranges::all_of(value, [](char c) { return c > 0x20 && c < 0x7f; }))
    return refused_request("a name is empty or not printable ASCII", kForms);
  ASN1_STRING* written = nullptr;
  if (kind->type == GEN_IPADD) {
    written = a2i_IPADDRESS(value.c_str());
  } else if ((written = ASN1_IA5STRING_new()) != nullptr) {
    ASN1_STRING_set(written, value.data(), static_cast<int>(value.size()));
  }
  handle<GENERAL_NAME, GENERAL_NAME_free> name(GENERAL_NAME_new());
  if (!written || !name) {
    ASN1_STRING_free(written);
    return refused_request("not an address: " + value, kForms);
  }
  GENERAL_NAME_set0_value(name.get(), kind->type, written);
  if (sk_GENERAL_NAME_push(names, name.get()) <= 0) return refused_request("out of memory");
  static_cast<void>(name.release());
  return {};
}

Result<void> write_names(X509_REQ* request, const std::vector<std::string>& texts) {
  if (texts.empty()) return {};
  if (texts.size() > kMaxAlternativeNames) return refused_request("too many names");
  handle<GENERAL_NAMES, GENERAL_NAMES_free> names(GENERAL_NAMES_new());
  for (const std::string& text : texts) NAE_TRY(push_name(names.get(), text));
  STACK_OF(X509_EXTENSION)* extensions = nullptr;
  const bool added =
      X509V3_add1_i2d(&extensions, NID_subject_alt_name, names.get(), 0, X509V3_ADD_DEFAULT) == 1 &&
      X509_REQ_add_extensions(request, extensions) == 1;
  sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
  return added ? Result<void>{} : refused_request("the names cannot be written");
}

// RFC 4055 section 5 wants parameters of RSA to be NULL, RFC 5758 and 8410 want none.
int algorithm_of(SignatureScheme scheme) {
  switch (scheme) {
    case SignatureScheme::rsa_pkcs1_sha256:
      return NID_sha256WithRSAEncryption;
    case SignatureScheme::rsa_pkcs1_sha384:
      return NID_sha384WithRSAEncryption;
    case SignatureScheme::rsa_pkcs1_sha512:
      return NID_sha512WithRSAEncryption;
    case SignatureScheme::ecdsa_p256_sha256:
      return NID_ecdsa_with_SHA256;
    case SignatureScheme::ecdsa_p384_sha384:
      return NID_ecdsa_with_SHA384;
    case SignatureScheme::ed25519:
      return NID_ED25519;
    default:
      return NID_undef;
  }
}

Result<void> write_algorithm(X509_REQ* request, SignatureScheme scheme) {
  const int algorithm = algorithm_of(scheme);
  if (algorithm == NID_undef)
    return fail(Code::key_attribute, "certificate requests are not signed by that scheme");
  const SchemeRow* row = find_row(scheme);
  handle<X509_ALGOR, X509_ALGOR_free> written(X509_ALGOR_new());
  if (!written ||
      X509_ALGOR_set0(written.get(), OBJ_nid2obj(algorithm),
                      row->method == SignatureMethod::rsa_pkcs1 ? V_ASN1_NULL : V_ASN1_UNDEF,
                      nullptr) != 1 ||
      X509_REQ_set1_signature_algo(request, written.get()) != 1)
    return refused_request("the algorithm cannot be written");
  return {};
}

Result<void> write_signature(X509_REQ* request, ByteView signature) {
  ASN1_BIT_STRING* bits = ASN1_BIT_STRING_new();
  if (!bits || ASN1_BIT_STRING_set(bits, const_cast<unsigned char*>(signature.data()),
                                   static_cast<int>(signature.size())) != 1) {
    ASN1_BIT_STRING_free(bits);
    return refused_request("out of memory");
  }
  // No unused bits: else trailing zeros of a signature would be counted as such.
  bits->flags = (bits->flags & ~0x07L) | ASN1_STRING_FLAG_BITS_LEFT;
  X509_REQ_set0_signature(request, bits);
  return {};
}

}  // namespace

Result<std::string> make_key_request(const KeyRequest& wanted, const Signer& signer) {
  const unsigned char* at = wanted.spki.data();
  const RequestKey key(d2i_PUBKEY(nullptr, &at, static_cast<long>(wanted.spki.size())));
  const Unsigned request(X509_REQ_new());
  if (!key || !request || X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) != 1 ||
      X509_REQ_set_pubkey(request.get(), key.get()) != 1)
    return refused_request("the public key cannot be read");
  NAE_TRY(write_subject(X509_REQ_get_subject_name(request.get()), wanted.subject));
  NAE_TRY(write_names(request.get(), wanted.names));
  NAE_TRY(write_algorithm(request.get(), wanted.scheme));
  unsigned char* encoded_part = nullptr;
  const int size = i2d_re_X509_REQ_tbs(request.get(), &encoded_part);
  if (size <= 0) return refused_request("the request cannot be written");
  const Bytes to_be_signed_part(encoded_part, encoded_part + size);
  OPENSSL_free(encoded_part);
  NAE_ASSIGN(const Bytes signature, signer(to_be_signed_part));
  NAE_TRY(write_signature(request.get(), signature));
  if (X509_REQ_verify(request.get(), key.get()) != 1) {
    ERR_clear_error();
    return fail(Code::hsm_failed, "the signature of the request does not verify");
  }
  const RequestBio out(BIO_new(BIO_s_mem()));
  if (!out || PEM_write_bio_X509_REQ(out.get(), request.get()) != 1)
    return refused_request("the request cannot be written");
  char* data = nullptr;
  const long bytes = BIO_get_mem_data(out.get(), &data);
  return std::string(data, static_cast<std::size_t>(bytes));
}

}  // namespace nae::crypto

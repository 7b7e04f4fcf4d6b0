#include "libnae/crypto/certificate.hpp"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>

#include "libnae/base/text.hpp"
#include "libnae/crypto/handle.hpp"
#include "libnae/crypto/key_file.hpp"
#include "libnae/crypto/no_passphrase.hpp"

namespace nae::crypto {
namespace {

using BioHandle = handle<BIO, BIO_free_all>;
using KeyHandle = handle<EVP_PKEY, EVP_PKEY_free>;
using CertificateHandle = handle<X509, X509_free>;
using RequestHandle = handle<X509_REQ, X509_REQ_free>;
using NamesHandle = handle<GENERAL_NAMES, GENERAL_NAMES_free>;

constexpr std::size_t kCommonNameBytes = 64;  // RFC 5280 ub-common-name
constexpr std::size_t kSerialBytes = 16;
constexpr std::size_t kKeyIdentifierBytes = 20;  // RFC 7093 section 2 method 1
constexpr std::size_t kMaxPemBytes = 64u << 10;

tl::unexpected<Error> openssl_failed(Code code, const std::string& what) {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  std::string message = what + (reason ? std::string(": ") + reason : std::string());
  ERR_clear_error();
  return fail(code, std::move(message));
}

BioHandle read_from(ByteView bytes) {
  return BioHandle(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}

// What `write` puts into a memory BIO.
template <class Write>
Result<Bytes> written(Write write) {
  BioHandle out(BIO_new(BIO_s_secmem()));
  if (!out || write(out.get()) != 1) return openssl_failed(Code::internal, "encoding failed");
  char* data = nullptr;
  long size = BIO_get_mem_data(out.get(), &data);
  return Bytes(data, data + size);
}

// What an i2d function answers for `object`.
template <class T, class Encode>
Result<Bytes> encoded(T* object, Encode encode) {
  unsigned char* data = nullptr;
  int size = encode(object, &data);
  if (size <= 0) return openssl_failed(Code::internal, "DER encoding failed");
  Bytes bytes(data, data + size);
  OPENSSL_free(data);
  return bytes;
}

bool is_p256(const EVP_PKEY* key) {
  char group[32] = {};
  return EVP_PKEY_is_a(key, "EC") == 1 &&
         EVP_PKEY_get_group_name(key, group, sizeof group, nullptr) == 1 &&
         std::string_view(group) == "prime256v1";
}

Result<Bytes> spki_of(EVP_PKEY* key) {
  return encoded(key, i2d_PUBKEY);
}

Result<KeyHandle> read_private_key(ByteView pem) {
  if (pem.size() > kMaxPemBytes)
    return fail(Code::invalid_argument, "private key file is too long");
  KeyHandle key(PEM_read_bio_PrivateKey(read_from(pem).get(), nullptr, no_passphrase, nullptr));
  if (!key && is_encrypted_key(pem)) {
    ERR_clear_error();
    return fail(encrypted_key("the key file"));
  }
  if (!key) return openssl_failed(Code::invalid_argument, "not a private key in PEM");
  if (!is_p256(key.get())) return fail(Code::unsupported, "the private key is not on curve P-256");
  return key;
}

Result<KeyHandle> read_public_key(ByteView spki) {
  const unsigned char* at = spki.data();
  KeyHandle key(d2i_PUBKEY(nullptr, &at, static_cast<long>(spki.size())));
  if (!key || at != spki.data() + spki.size())
    return openssl_failed(Code::invalid_argument, "not a public key in DER");
  if (!is_p256(key.get())) return fail(Code::unsupported, "the public key is not on curve P-256");
  return key;
}

Result<CertificateHandle> parse_certificate(ByteView pem_or_der) {
  if (pem_or_der.size() > kMaxPemBytes)
    return fail(Code::invalid_argument, "certificate is too long");
  CertificateHandle certificate;
  if (as_text(pem_or_der).find("-----BEGIN") != std::string_view::npos) {
    certificate.reset(
        PEM_read_bio_X509(read_from(pem_or_der).get(), nullptr, no_passphrase, nullptr));
  } else {
    const unsigned char* at = pem_or_der.data();
    certificate.reset(d2i_X509(nullptr, &at, static_cast<long>(pem_or_der.size())));
    if (certificate && at != pem_or_der.data() + pem_or_der.size()) certificate.reset();
  }
  if (!certificate) return openssl_failed(Code::invalid_argument, "not an X.509 certificate");
  return certificate;
}

bool set_common_name(X509_NAME* name, std::string_view text) {
  text = text.substr(0, kCommonNameBytes);
  return X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(text.data()),
                                    static_cast<int>(text.size()), -1, 0) == 1;
}

bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

std::string_view text_of(const ASN1_STRING* string) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
          static_cast<std::size_t>(ASN1_STRING_length(string))};
}

std::string common_name_of(const X509_NAME* name) {
  int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  if (at < 0) return {};
  return std::string(text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at))));
}

template <class T, class Free>
bool add_extension(X509* certificate, int nid, std::unique_ptr<T, Free> value, bool critical) {
  return value &&
         X509_add1_ext_i2d(certificate, nid, value.get(), critical, X509V3_ADD_DEFAULT) == 1;
}

bool add_basic_constraints(X509* certificate, bool authority) {
  handle<BASIC_CONSTRAINTS, BASIC_CONSTRAINTS_free> constraints(BASIC_CONSTRAINTS_new());
  if (!constraints) return false;
  constraints->ca = authority ? 0xff : 0;
  if (authority) {
    constraints->pathlen = ASN1_INTEGER_new();
    if (!constraints->pathlen || ASN1_INTEGER_set(constraints->pathlen, 0) != 1) return false;
  }
  return add_extension(certificate, NID_basic_constraints, std::move(constraints), true);
}

bool add_key_usage(X509* certificate, bool authority) {
  // Bit numbers of RFC 5280 section 4.2.1.3.
  constexpr int kDigitalSignature = 0, kKeyCertSign = 5, kCrlSign = 6;
  handle<ASN1_BIT_STRING, ASN1_BIT_STRING_free> usage(ASN1_BIT_STRING_new());
  if (!usage) return false;
  bool set = authority ? ASN1_BIT_STRING_set_bit(usage.get(), kKeyCertSign, 1) == 1 &&
                             ASN1_BIT_STRING_set_bit(usage.get(), kCrlSign, 1) == 1
                       : ASN1_BIT_STRING_set_bit(usage.get(), kDigitalSignature, 1) == 1;
  return set && add_extension(certificate, NID_key_usage, std::move(usage), true);
}

bool add_extended_key_usage(X509* certificate, CertificateUsage usage) {
  if (usage == CertificateUsage::authority) return true;
  handle<EXTENDED_KEY_USAGE, EXTENDED_KEY_USAGE_free> purposes(EXTENDED_KEY_USAGE_new());
  int nid = usage == CertificateUsage::server ? NID_server_auth : NID_client_auth;
  return purposes && sk_ASN1_OBJECT_push(purposes.get(), OBJ_nid2obj(nid)) > 0 &&
         add_extension(certificate, NID_ext_key_usage, std::move(purposes), false);
}

// Built as structures: the text syntax of OpenSSL's configuration would let a name add names.
bool add_name(GENERAL_NAMES* names, int type, ASN1_STRING* value) {
  handle<GENERAL_NAME, GENERAL_NAME_free> name(GENERAL_NAME_new());
  if (!value || !name) {
    ASN1_STRING_free(value);
    return false;
  }
  GENERAL_NAME_set0_value(name.get(), type, value);
  return sk_GENERAL_NAME_push(names, name.get()) > 0 && name.release();
}

ASN1_STRING* ia5_string(std::string_view text) {
  ASN1_STRING* string = ASN1_IA5STRING_new();
  if (string) ASN1_STRING_set(string, text.data(), static_cast<int>(text.size()));
  return string;
}

Result<void> add_alternative_names(X509* certificate, const CertificateTemplate& wanted) {
  NamesHandle names(GENERAL_NAMES_new());
  if (!names) return openssl_failed(Code::internal, "out of memory");
  auto add_texts = [&](int type, const std::vector<std::string>& texts) -> Result<void> {
    for (const std::string& text : texts) {
      if (text.empty() || !is_printable(text))
        return fail(Code::invalid_argument, "a certificate name is not printable ASCII");
      if (!add_name(names.get(), type, ia5_string(text)))
        return openssl_failed(Code::internal, "certificate name");
    }
    return {};
  };
  NAE_TRY(add_texts(GEN_URI, wanted.uri_names));
  NAE_TRY(add_texts(GEN_DNS, wanted.dns_names));
  for (const std::string& address : wanted.ip_names)
    if (!add_name(names.get(), GEN_IPADD, a2i_IPADDRESS(address.c_str())))
      return openssl_failed(Code::invalid_argument, "not an IP address: " + address);
  if (sk_GENERAL_NAME_num(names.get()) > 0 &&
      !add_extension(certificate, NID_subject_alt_name, std::move(names), false))
    return openssl_failed(Code::internal, "certificate names");
  return {};
}

Result<void> add_key_identifiers(X509* certificate, const X509* issuer) {
  const ASN1_BIT_STRING* key = X509_get0_pubkey_bitstr(certificate);
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(key->data, static_cast<std::size_t>(key->length), digest);
  handle<ASN1_OCTET_STRING, ASN1_OCTET_STRING_free> subject_key(ASN1_OCTET_STRING_new());
  if (!subject_key || ASN1_OCTET_STRING_set(subject_key.get(), digest, kKeyIdentifierBytes) != 1 ||
      !add_extension(certificate, NID_subject_key_identifier, std::move(subject_key), false))
    return openssl_failed(Code::internal, "subject key identifier");
  if (issuer == nullptr) return {};  // a self-signed one needs no pointer to itself

  const ASN1_OCTET_STRING* issuer_key = X509_get0_subject_key_id(const_cast<X509*>(issuer));
  if (!issuer_key)
    return fail(Code::invalid_argument, "the issuing certificate names no key identifier");
  handle<AUTHORITY_KEYID, AUTHORITY_KEYID_free> authority_key(AUTHORITY_KEYID_new());
  if (!authority_key || !(authority_key->keyid = ASN1_OCTET_STRING_dup(issuer_key)) ||
      !add_extension(certificate, NID_authority_key_identifier, std::move(authority_key), false))
    return openssl_failed(Code::internal, "authority key identifier");
  return {};
}

Result<void> set_serial(X509* certificate) {
  unsigned char random[kSerialBytes];
  handle<BIGNUM, BN_free> number;
  if (RAND_bytes(random, sizeof random) != 1) return openssl_failed(Code::internal, "random bytes");
  random[0] |= 0x01;  // never zero: RFC 5280 section 4.1.2.2 wants it positive
  number.reset(BN_bin2bn(random, sizeof random, nullptr));
  if (!number || !BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)))
    return openssl_failed(Code::internal, "serial number");
  return {};
}

void append_der(Bytes& out, Byte tag, std::initializer_list<ByteView> parts) {
  std::size_t size = 0;
  for (ByteView part : parts) size += part.size();
  out.push_back(tag);
  if (size < 0x80) {
    out.push_back(static_cast<Byte>(size));
  } else if (size <= 0xff) {
    out.insert(out.end(), {0x81, static_cast<Byte>(size)});
  } else {  // kMaxPemBytes keeps it below 2^16
    out.insert(out.end(), {0x82, static_cast<Byte>(size >> 8), static_cast<Byte>(size)});
  }
  for (ByteView part : parts) out.insert(out.end(), part.begin(), part.end());
}

// Everything of the certificate but the signature. OpenSSL writes the algorithm identifier into
// this part only when it signs itself, so a key that nobody keeps signs first.
Result<Bytes> to_be_signed(X509* certificate) {
  KeyHandle throwaway(EVP_EC_gen("P-256"));
  if (!throwaway || X509_sign(certificate, throwaway.get(), EVP_sha256()) <= 0)
    return openssl_failed(Code::internal, "certificate encoding");
  return encoded(certificate, i2d_re_X509_tbs);
}

Bytes signed_certificate(ByteView tbs, ByteView signature) {
  // AlgorithmIdentifier{ecdsa-with-SHA256}, RFC 5758 section 3.2
  static constexpr Byte kAlgorithm[] = {0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
                                        0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};
  static constexpr Byte kNoUnusedBits[] = {0x00};
  Bytes bits, der;
  append_der(bits, 0x03, {kNoUnusedBits, signature});
  append_der(der, 0x30, {tbs, kAlgorithm, bits});
  return der;
}

std::int64_t unix_time(const ASN1_TIME* time) {
  std::tm parts{};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? static_cast<std::int64_t>(timegm(&parts)) : 0;
}

}  // namespace

Result<KeyPair> generate_p256() {
  KeyHandle key(EVP_EC_gen("P-256"));
  if (!key) return openssl_failed(Code::internal, "key generation failed");
  KeyPair pair;
  NAE_ASSIGN(pair.private_key_pem, written([&](BIO* out) {
               return PEM_write_bio_PKCS8PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr,
                                                    nullptr);
             }));
  NAE_ASSIGN(pair.spki, spki_of(key.get()));
  return pair;
}

Result<Bytes> public_key_of(ByteView private_key_pem) {
  NAE_ASSIGN(KeyHandle key, read_private_key(private_key_pem));
  return spki_of(key.get());
}

Result<std::string> public_key_to_pem(ByteView spki) {
  const unsigned char* at = spki.data();
  KeyHandle key(d2i_PUBKEY(nullptr, &at, static_cast<long>(spki.size())));
  if (!key || at != spki.data() + spki.size())
    return openssl_failed(Code::invalid_argument, "not a public key in DER");
  NAE_ASSIGN(Bytes pem, written([&](BIO* out) { return PEM_write_bio_PUBKEY(out, key.get()); }));
  return std::string(as_text(pem));
}

Result<std::string> make_request(ByteView private_key_pem, std::string_view common_name) {
  NAE_ASSIGN(KeyHandle key, read_private_key(private_key_pem));
  RequestHandle request(X509_REQ_new());
  if (!request || X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) != 1 ||
      !set_common_name(X509_REQ_get_subject_name(request.get()), common_name) ||
      X509_REQ_set_pubkey(request.get(), key.get()) != 1 ||
      X509_REQ_sign(request.get(), key.get(), EVP_sha256()) <= 0)
    return openssl_failed(Code::internal, "certificate request");
  NAE_ASSIGN(Bytes pem,
             written([&](BIO* out) { return PEM_write_bio_X509_REQ(out, request.get()); }));
  return std::string(as_text(pem));
}

Result<CertificateRequest> read_request(std::string_view pem) {
  if (pem.size() > kMaxPemBytes)
    return fail(Code::invalid_argument, "certificate request is too long");
  RequestHandle request(
      PEM_read_bio_X509_REQ(read_from(as_bytes(pem)).get(), nullptr, no_passphrase, nullptr));
  if (!request) return openssl_failed(Code::invalid_argument, "not a certificate request in PEM");
  EVP_PKEY* key = X509_REQ_get0_pubkey(request.get());
  if (!key || !is_p256(key))
    return openssl_failed(Code::unsupported, "the request's key is not on curve P-256");
  if (X509_REQ_verify(request.get(), key) != 1)
    return openssl_failed(Code::invalid_argument, "the request is not signed by its own key");
  CertificateRequest answer;
  answer.common_name = common_name_of(X509_REQ_get_subject_name(request.get()));
  NAE_ASSIGN(answer.spki, spki_of(key));
  return answer;
}

Result<Signer> software_signer(ByteView private_key_pem) {
  NAE_ASSIGN(KeyHandle key, read_private_key(private_key_pem));
  return Signer([key =
                     std::shared_ptr<EVP_PKEY>(std::move(key))](ByteView message) -> Result<Bytes> {
    handle<EVP_MD_CTX, EVP_MD_CTX_free> context(EVP_MD_CTX_new());
    std::size_t size = static_cast<std::size_t>(EVP_PKEY_get_size(key.get()));
    Bytes signature(size);
    if (!context ||
        EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) != 1 ||
        EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()) != 1)
      return openssl_failed(Code::internal, "signing failed");
    signature.resize(size);
    return signature;
  });
}

Result<std::string> issue(const CertificateTemplate& wanted,
                          std::optional<std::string_view> issuer_pem, const Signer& signer) {
  if (wanted.not_after_s <= wanted.not_before_s)
    return fail(Code::invalid_argument, "the certificate would end before it starts");
  NAE_ASSIGN(KeyHandle key, read_public_key(wanted.spki));
  CertificateHandle issuer;
  if (issuer_pem) {
    NAE_ASSIGN(issuer, parse_certificate(as_bytes(*issuer_pem)));
    if (X509_check_ca(issuer.get()) != 1)
      return fail(Code::invalid_argument, "the issuing certificate is no authority's");
  }

  bool authority = wanted.usage == CertificateUsage::authority;
  CertificateHandle certificate(X509_new());
  X509* x = certificate.get();
  if (!x || X509_set_version(x, X509_VERSION_3) != 1 ||
      !set_common_name(X509_get_subject_name(x), wanted.common_name) ||
      X509_set_issuer_name(x, X509_get_subject_name(issuer ? issuer.get() : x)) != 1 ||
      !ASN1_TIME_set(X509_getm_notBefore(x), static_cast<time_t>(wanted.not_before_s)) ||
      !ASN1_TIME_set(X509_getm_notAfter(x), static_cast<time_t>(wanted.not_after_s)) ||
      X509_set_pubkey(x, key.get()) != 1 || !add_basic_constraints(x, authority) ||
      !add_key_usage(x, authority) || !add_extended_key_usage(x, wanted.usage))
    return openssl_failed(Code::internal, "certificate");
  NAE_TRY(set_serial(x));
  NAE_TRY(add_alternative_names(x, wanted));
  NAE_TRY(add_key_identifiers(x, issuer.get()));

  NAE_ASSIGN(Bytes tbs, to_be_signed(x));
  if (tbs.size() > kMaxPemBytes / 2) return fail(Code::invalid_argument, "too many names");
  NAE_ASSIGN(Bytes signature, signer(tbs));
  NAE_ASSIGN(certificate, parse_certificate(signed_certificate(tbs, signature)));
  EVP_PKEY* issuer_key = issuer ? X509_get0_pubkey(issuer.get()) : key.get();
  if (X509_verify(certificate.get(), issuer_key) != 1)
    return openssl_failed(Code::internal, "the authority's signature does not verify");
  NAE_ASSIGN(Bytes pem,
             written([&](BIO* out) { return PEM_write_bio_X509(out, certificate.get()); }));
  return std::string(as_text(pem));
}

namespace {

Result<std::string> address_text(const ASN1_STRING* value) {
  char text[INET6_ADDRSTRLEN] = "";
  int bytes = ASN1_STRING_length(value);
  int family = bytes == 4 ? AF_INET : AF_INET6;
  if ((bytes != 4 && bytes != 16) ||
      !::inet_ntop(family, ASN1_STRING_get0_data(value), text, sizeof text))
    return fail(Code::invalid_argument, "an address in the certificate has a wrong length");
  return std::string(text);
}

}  // namespace

Result<Bytes> public_key_in_certificate(ByteView pem_or_der) {
  NAE_ASSIGN(const CertificateHandle certificate, parse_certificate(pem_or_der));
  EVP_PKEY* key = X509_get0_pubkey(certificate.get());
  if (!key) return openssl_failed(Code::unsupported, "the certificate's public key");
  return spki_of(key);
}

Result<CertificateInfo> read_certificate(ByteView pem_or_der) {
  NAE_ASSIGN(CertificateHandle certificate, parse_certificate(pem_or_der));
  X509* x = certificate.get();
  CertificateInfo info;
  info.common_name = common_name_of(X509_get_subject_name(x));
  info.not_before_s = unix_time(X509_get0_notBefore(x));
  info.not_after_s = unix_time(X509_get0_notAfter(x));

  const ASN1_INTEGER* serial = X509_get0_serialNumber(x);
  info.serial = to_hex(as_bytes(text_of(serial)));
  NAE_ASSIGN(Bytes der, encoded(x, i2d_X509));
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(der.data(), der.size(), digest);
  info.fingerprint = to_hex(digest);
  EVP_PKEY* key = X509_get0_pubkey(x);
  if (!key) return openssl_failed(Code::unsupported, "the certificate's public key");
  NAE_ASSIGN(info.spki, spki_of(key));

  int critical = 0;
  NamesHandle names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(x, NID_subject_alt_name, &critical, nullptr)));
  // -1: there are none. -2 and others: several extensions, or one that cannot be read.
  if (!names && critical != -1)
    return openssl_failed(Code::invalid_argument, "the certificate's names cannot be read");
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    int type = 0;
    auto* value = static_cast<ASN1_STRING*>(
        GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names.get(), i), &type));
    if (type == GEN_IPADD) {
      NAE_ASSIGN(std::string address, address_text(value));
      info.ip_names.push_back(std::move(address));
    }
    if (type != GEN_URI && type != GEN_DNS) continue;
    std::string_view text = text_of(value);
    if (!is_printable(text))
      return fail(Code::invalid_argument, "a name in the certificate is not printable ASCII");
    (type == GEN_URI ? info.uri_names : info.dns_names).emplace_back(text);
  }
  return info;
}

}  // namespace nae::crypto

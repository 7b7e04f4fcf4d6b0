#include "libnae/crypto/certificate_chain.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <ctime>

#include "libnae/base/text.hpp"
#include "libnae/crypto/handle.hpp"
#include "libnae/crypto/no_passphrase.hpp"

namespace nae::crypto {
namespace {

using ChainBio = handle<BIO, BIO_free_all>;
using ChainLink = handle<X509, X509_free>;
using SubjectKey = handle<EVP_PKEY, EVP_PKEY_free>;

constexpr std::size_t kMaxChainPemBytes = 2 * kMaxChainBytes;
constexpr std::string_view kPemBegin = "-----BEGIN CERTIFICATE-----";

tl::unexpected<Error> no_chain(const std::string& what) {
  ERR_clear_error();
  return fail(Code::invalid_argument, what,
              "PEM: the key's own certificate first, then the one that signed it, and so on.");
}

// One certificate from the front of `der`, which then begins behind it.
ChainLink next_link(ByteView& der) {
  const unsigned char* at = der.data();
  ChainLink link(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (link) der = der.subspan(static_cast<std::size_t>(at - der.data()));
  ERR_clear_error();
  return link;
}

std::string text_in(BIO* out) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(out, &data);
  return std::string(data, static_cast<std::size_t>(size));
}

Result<std::string> distinguished_name(const X509_NAME* name) {
  const ChainBio out(BIO_new(BIO_s_mem()));
  constexpr unsigned long kForm =
      XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB);
  if (!out || X509_NAME_print_ex(out.get(), name, 0, kForm) < 0)
    return no_chain("a name in the certificate cannot be read");
  return text_in(out.get());
}

std::int64_t seconds_of(const ASN1_TIME* time) {
  std::tm parts{};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? static_cast<std::int64_t>(timegm(&parts)) : 0;
}

Result<ChainLink> first_link(ByteView chain) {
  ChainLink leaf = next_link(chain);
  if (!leaf) return no_chain("not an X.509 certificate");
  return leaf;
}

// Nothing but blocks of certificates: a private key that was pasted along must not be stored.
bool only_certificates(std::string_view pem) {
  for (std::size_t at = pem.find("-----BEGIN"); at != std::string_view::npos;
       at = pem.find("-----BEGIN", at + 1))
    if (!pem.substr(at).starts_with(kPemBegin)) return false;
  return true;
}

}  // namespace

Result<Bytes> chain_from_pem(std::string_view pem) {
  if (pem.size() > kMaxChainPemBytes) return no_chain("the certificates are too long");
  if (!only_certificates(pem)) return no_chain("the file has something else than certificates");
  const ChainBio in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  std::vector<ChainLink> links;
  Bytes chain;
  while (in) {
    ChainLink link(PEM_read_bio_X509(in.get(), nullptr, no_passphrase, nullptr));
    if (!link) {
      if (ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE) break;
      return no_chain("not an X.509 certificate in PEM");
    }
    unsigned char* der = nullptr;
    const int size = i2d_X509(link.get(), &der);
    if (size <= 0) return no_chain("not an X.509 certificate");
    chain.insert(chain.end(), der, der + size);
    OPENSSL_free(der);
    links.push_back(std::move(link));
    if (links.size() > kMaxChainCertificates || chain.size() > kMaxChainBytes)
      return no_chain("the chain of certificates is too long");
  }
  ERR_clear_error();
  if (links.empty()) return no_chain("there is no certificate in PEM");
  for (std::size_t i = 0; i + 1 < links.size(); ++i) {
    EVP_PKEY* signer = X509_get0_pubkey(links[i + 1].get());
    if (!signer || X509_verify(links[i].get(), signer) != 1)
      return no_chain("certificate " + std::to_string(i + 1) + " is not signed by the next one");
  }
  return chain;
}

Result<std::vector<ByteView>> certificates_in(ByteView chain) {
  std::vector<ByteView> found;
  while (!chain.empty()) {
    ByteView rest = chain;
    if (!next_link(rest)) return no_chain("not a chain of X.509 certificates");
    found.push_back(chain.first(chain.size() - rest.size()));
    chain = rest;
  }
  return found;
}

Result<std::string> chain_to_pem(ByteView chain) {
  const ChainBio out(BIO_new(BIO_s_mem()));
  while (!chain.empty()) {
    const ChainLink link = next_link(chain);
    if (!out || !link || PEM_write_bio_X509(out.get(), link.get()) != 1)
      return no_chain("not a chain of X.509 certificates");
  }
  return text_in(out.get());
}

Result<LeafInfo> leaf_of(ByteView chain) {
  NAE_ASSIGN(const ChainLink leaf, first_link(chain));
  LeafInfo info;
  NAE_ASSIGN(info.subject, distinguished_name(X509_get_subject_name(leaf.get())));
  NAE_ASSIGN(info.issuer, distinguished_name(X509_get_issuer_name(leaf.get())));
  const ASN1_INTEGER* serial = X509_get0_serialNumber(leaf.get());
  info.serial =
      to_hex({ASN1_STRING_get0_data(serial), static_cast<std::size_t>(ASN1_STRING_length(serial))});
  info.not_before_s = seconds_of(X509_get0_notBefore(leaf.get()));
  info.not_after_s = seconds_of(X509_get0_notAfter(leaf.get()));
  return info;
}

Result<bool> is_certificate_of(ByteView chain, ByteView spki) {
  NAE_ASSIGN(const ChainLink leaf, first_link(chain));
  const unsigned char* at = spki.data();
  const SubjectKey key(d2i_PUBKEY(nullptr, &at, static_cast<long>(spki.size())));
  EVP_PKEY* certified = X509_get0_pubkey(leaf.get());
  if (!key || !certified) return no_chain("the certificate's public key cannot be read");
  const bool same = EVP_PKEY_eq(key.get(), certified) == 1;
  ERR_clear_error();
  return same;
}

}  // namespace nae::crypto

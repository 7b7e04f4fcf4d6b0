#include "pkcs11/certificate_parts.hpp"

#include <algorithm>

#include "pkcs11/der.hpp"

namespace nae::pkcs11 {
namespace {

constexpr Byte kExplicitVersion = 0xa0;
constexpr Byte kUtf8String = 0x0c, kPrintableString = 0x13;
constexpr Byte kExplicitExtensions = 0xa3, kBoolean = 0x01;
constexpr Byte kSubjectKeyIdentifier[] = {0x55, 0x1d, 0x0e};  // 2.5.29.14
constexpr Byte kCommonName[] = {0x55, 0x04, 0x03};            // 2.5.4.3

Bytes owned(ByteView bytes) {
  return Bytes(bytes.begin(), bytes.end());
}

std::string common_name_in(ByteView name) {
  std::string found;
  DerReader outer(name);
  DerReader sets(outer.element(kDerSequence));
  while (sets.ok() && !sets.complete()) {
    DerReader set(sets.element(kDerSet));
    DerReader pair(set.element(kDerSequence));
    const ByteView type = pair.element(kDerObjectIdentifier);
    if (!pair.ok() || !std::ranges::equal(type, kCommonName)) continue;
    const Byte form = pair.next();
    if (form == kUtf8String || form == kPrintableString) found = as_text(pair.element(form));
  }
  return found;
}

// `fields` stand behind the public key. Old certificates have no extensions there.
Bytes key_identifier_in(DerReader fields) {
  while (fields.ok() && fields.next() != kExplicitExtensions) fields.element(fields.next());
  DerReader outer(fields.element(kExplicitExtensions));
  DerReader extensions(outer.element(kDerSequence));
  while (extensions.ok() && !extensions.complete()) {
    DerReader extension(extensions.element(kDerSequence));
    const ByteView type = extension.element(kDerObjectIdentifier);
    if (extension.next() == kBoolean) extension.element(kBoolean);
    DerReader value(extension.element(kDerOctetString));
    if (!extension.ok() || !std::ranges::equal(type, kSubjectKeyIdentifier)) continue;
    return owned(value.element(kDerOctetString));
  }
  return {};
}

std::optional<CertificateParts> parts_of(ByteView certificate) {
  CertificateParts parts;
  parts.value = owned(certificate);
  DerReader outer(certificate);
  DerReader signed_part(outer.element(kDerSequence));
  DerReader fields(signed_part.element(kDerSequence));
  if (fields.next() == kExplicitVersion) fields.element(kExplicitVersion);
  parts.serial = owned(fields.whole(kDerInteger));
  fields.element(kDerSequence);  // the algorithm
  parts.issuer = owned(fields.whole(kDerSequence));
  fields.element(kDerSequence);  // from when to when
  parts.subject = owned(fields.whole(kDerSequence));
  if (!outer.complete() || !signed_part.ok() || !fields.ok()) return std::nullopt;
  parts.common_name = common_name_in(parts.subject);
  fields.element(kDerSequence);  // the public key
  parts.key_identifier = key_identifier_in(fields);
  return parts;
}

}  // namespace

std::optional<std::vector<CertificateParts>> certificate_parts(ByteView chain) {
  std::vector<CertificateParts> found;
  DerReader certificates(chain);
  while (!certificates.complete()) {
    auto parts = parts_of(certificates.whole(kDerSequence));
    if (!parts || !certificates.ok()) return std::nullopt;
    found.push_back(*std::move(parts));
  }
  return found;
}

}  // namespace nae::pkcs11

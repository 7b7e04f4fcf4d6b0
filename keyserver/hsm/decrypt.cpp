// Pkcs11Hsm: what was encrypted to the public key of a pair that stays in the HSM.
#include <algorithm>

#include "keyserver/hsm/mechanisms.hpp"
#include "keyserver/hsm/pkcs11_hsm.hpp"
#include "keyserver/hsm/session.hpp"
#include "libnae/crypto/hash.hpp"
#include "libnae/crypto/key_agreement.hpp"
#include "libnae/crypto/rsa_padding.hpp"
#include "libnae/pkcs11/mechanisms.hpp"
#include "libnae/pkcs11/return_value.hpp"

namespace nae::hsm {
namespace {

tl::unexpected<Error> does_not_open() {
  return fail(Code::authentication_failed, "the ciphertext does not open");
}

// Before anything of it was read: the token does not know the hash.
bool refuses_parameters(CK_RV value) {
  return value == CKR_MECHANISM_PARAM_INVALID || value == CKR_MECHANISM_INVALID ||
         value == CKR_ARGUMENTS_BAD;
}

// One answer to all that can be wrong with a padding, by whatever name a module has for it. A
// device that has gone has answers of its own.
bool may_mean_padding(CK_RV value) {
  switch (value) {
    case CKR_ENCRYPTED_DATA_INVALID:
    case CKR_ENCRYPTED_DATA_LEN_RANGE:
    case CKR_DATA_INVALID:
    case CKR_DATA_LEN_RANGE:
    case CKR_FUNCTION_FAILED:
    case CKR_GENERAL_ERROR:
      return true;
    default:
      return false;
  }
}

// By the private key alone, padding and all: as long as the modulus.
Result<Bytes> apply(const Session& session, CK_OBJECT_HANDLE key, ByteView input) {
  CK_MECHANISM mechanism{CKM_RSA_X_509, nullptr, 0};
  const CK_FUNCTION_LIST& calls = session.calls();
  NAE_TRY(checked("C_DecryptInit", calls.C_DecryptInit(session.handle(), &mechanism, key)));
  Bytes out(input.size());
  CK_ULONG size = out.size();
  NAE_TRY(checked("C_Decrypt", calls.C_Decrypt(session.handle(), input_pointer(input), input.size(),
                                               out.data(), &size)));
  if (size > out.size()) return fail(Code::hsm_failed, "C_Decrypt: more than the modulus has");
  // Zeros at the front are a part of it, and whoever leaves them out shows how many there were.
  if (size != out.size()) return fail(Code::hsm_failed, "C_Decrypt: less than the modulus has");
  return out;
}

// What the private key makes of a number that nobody chose. It is the same at every server of a
// group and needs no place in the store, and nobody else is ever shown it: a key that decrypts
// signs nothing, and what it decrypts leaves without its padding.
Result<crypto::SecretBytes> secret_of(const Session& session, CK_OBJECT_HANDLE key,
                                      ByteView modulus) {
  constexpr std::string_view kPurpose = "nae/1 implicit rejection";
  Bytes number;
  for (Byte counter = 0; number.size() < modulus.size(); ++counter) {
    Bytes input;
    ByteWriter writer(input);
    writer.raw(as_bytes(kPurpose));
    writer.u8(counter);
    writer.raw(modulus);
    const auto block = crypto::sha256(input);
    number.insert(number.end(), block.begin(), block.end());
  }
  number.resize(modulus.size());
  number[0] = 0;  // below the modulus, whose first byte is not
  NAE_ASSIGN(const Bytes applied, apply(session, key, number));
  auto digest = crypto::sha256(applied);
  crypto::SecretBytes secret(digest.size());
  std::ranges::copy(digest, secret.expose_for_writing().begin());
  ::explicit_bzero(digest.data(), digest.size());
  return secret;
}

// In the HSM, padding and all. Nothing where it does not take the scheme's parameters. Never with a
// label: SoftHSM 2.6 takes one and opens what has another.
std::optional<Result<Bytes>> open_oaep(const Session& session, CK_OBJECT_HANDLE key,
                                       HashAlgorithm hash, ByteView ciphertext) {
  const HashConstants constants = constants_of(hash);
  CK_RSA_PKCS_OAEP_PARAMS parameters{constants.mechanism, constants.mgf, CKZ_DATA_SPECIFIED,
                                     nullptr, 0};
  CK_MECHANISM mechanism{CKM_RSA_PKCS_OAEP, &parameters, sizeof parameters};
  const CK_FUNCTION_LIST& calls = session.calls();
  const CK_RV begun = calls.C_DecryptInit(session.handle(), &mechanism, key);
  if (refuses_parameters(begun)) return std::nullopt;
  if (begun != CKR_OK) return fail(error_of("C_DecryptInit", begun));
  Bytes out(ciphertext.size());
  CK_ULONG size = out.size();
  const CK_RV value = calls.C_Decrypt(session.handle(), input_pointer(ciphertext),
                                      ciphertext.size(), out.data(), &size);
  if (may_mean_padding(value)) return does_not_open();
  if (value != CKR_OK) return fail(error_of("C_Decrypt", value));
  if (size > out.size()) return fail(Code::hsm_failed, "C_Decrypt: more than the modulus has");
  out.resize(size);
  return out;
}

// 1 < c < n - 1 (SP 800-56B section 7.1.2.1): the others are powers of themselves.
bool is_ciphertext(ByteView number, ByteView modulus) {
  if (number.size() != modulus.size() || number.empty()) return false;
  const ByteView above_last = number.first(number.size() - 1);
  if (number.back() <= 1 && std::ranges::all_of(above_last, [](Byte byte) { return byte == 0; }))
    return false;
  // The modulus is odd, so n - 1 differs from it in the last byte alone.
  const bool is_last = number.back() + 1 == modulus.back() &&
                       std::ranges::equal(above_last, modulus.first(modulus.size() - 1));
  return !is_last && std::ranges::lexicographical_compare(number, modulus);
}

Result<void> require_bare_operation(const Session& session, const DecryptionRow& scheme) {
  if (offers(session.calls(), session.slot(), CKM_RSA_X_509)) return {};
  return fail(
      Code::unsupported,
      "this HSM does not decrypt by " + std::string(scheme.name) +
          (scheme.hash ? " with these parameters" : " without telling which paddings are bad"),
      "It offers no CKM_RSA_X_509, by which the key server takes paddings off itself.");
}

}  // namespace

Result<Bytes> Pkcs11Hsm::decrypt(const keys::HsmKey& key, DecryptionScheme scheme,
                                 ByteView ciphertext, ByteView label) {
  const DecryptionRow* row = find_row(scheme);
  if (!row) return fail(Code::unsupported, "unknown decryption scheme");
  if (!takes_decryption_scheme(key.type))
    return fail(Code::key_type, "a key of type " + std::string(nae::name(key.type)) +
                                    " decrypts nothing that was encrypted to a public key");
  if (!row->hash && !label.empty())
    return fail(Code::invalid_argument, "PKCS #1 v1.5 has no label");
  NAE_ASSIGN(const Bytes modulus, crypto::modulus_of(key.material.public_key));
  if (!is_ciphertext(ciphertext, modulus))
    return fail(Code::invalid_argument, "no ciphertext of a key of this length");
  return on_session([&]() -> Result<Bytes> {
    NAE_ASSIGN(const ObjectHandle object, object_of(key));
    if (row->hash && label.empty())
      if (auto opened = open_oaep(*session_, object, *row->hash, ciphertext))
        return *std::move(opened);
    NAE_TRY(require_bare_operation(*session_, *row));
    if (row->hash) {
      NAE_ASSIGN(const Bytes encoded, apply(*session_, object, ciphertext));
      return crypto::remove_oaep(*row->hash, label, encoded);
    }
    NAE_ASSIGN(const auto secret, secret_of(*session_, object, modulus));
    NAE_ASSIGN(const Bytes encoded, apply(*session_, object, ciphertext));
    return crypto::remove_pkcs1(secret, ciphertext, encoded);
  });
}

Result<Bytes> Pkcs11Hsm::agree(const keys::HsmKey& key, ByteView point) {
  if (!allows(key.type, Action::derive))
    return fail(Code::key_type,
                "a key of type " + std::string(nae::name(key.type)) + " derives nothing");
  NAE_TRY(crypto::check_point(key.type, point));
  return on_session([&]() -> Result<Bytes> {
    NAE_ASSIGN(const ObjectHandle object, object_of(key));
    const std::size_t bytes = nae::row(key.type).coordinate_bytes();
    CK_ECDH1_DERIVE_PARAMS parameters{CKD_NULL, 0, nullptr, point.size(), input_pointer(point)};
    CK_MECHANISM mechanism{CKM_ECDH1_DERIVE, &parameters, sizeof parameters};
    Attributes kind;
    kind.number(CKA_CLASS, CKO_SECRET_KEY)
        .number(CKA_KEY_TYPE, CKK_GENERIC_SECRET)
        .number(CKA_VALUE_LEN, bytes)
        .flag(CKA_TOKEN, false)
        .flag(CKA_SENSITIVE, false)
        .flag(CKA_EXTRACTABLE, true);
    CK_OBJECT_HANDLE made = 0;
    NAE_TRY(
        checked("C_DeriveKey", session_->calls().C_DeriveKey(session_->handle(), &mechanism, object,
                                                             kind.data(), kind.size(), &made)));
    const TemporaryObject secret(*session_, made);
    NAE_ASSIGN(Bytes agreed, session_->read_attribute(made, CKA_VALUE));
    if (agreed.size() != bytes)
      return fail(Code::hsm_failed, "C_DeriveKey: a secret of the wrong length");
    // RFC 7748 section 6.1: what check_point() refuses comes to this by every key. Of the other
    // curves zero is the x-coordinate of a point like others.
    if (nae::row(key.type).family == KeyFamily::xdh &&
        std::ranges::all_of(agreed, [](Byte byte) { return byte == 0; }))
      return fail(Code::invalid_argument, "the point agrees on nothing");
    return agreed;
  });
}

}  // namespace nae::hsm

// Pkcs11Hsm: values encrypted and decrypted inside the HSM, for keys that are hsm-only.
#include <algorithm>

#include "keyserver/hsm/pkcs11_hsm.hpp"
#include "keyserver/hsm/session.hpp"
#include "libnae/pkcs11/return_value.hpp"

namespace nae::hsm {
namespace {

// Header and the caller's data: PKCS#11 takes the associated data in one piece.
Bytes associated(ByteView header, ByteView aad) {
  Bytes data;
  data.reserve(header.size() + aad.size());
  data.insert(data.end(), header.begin(), header.end());
  data.insert(data.end(), aad.begin(), aad.end());
  return data;
}

CK_GCM_PARAMS gcm_parameters(const Nonce& nonce, const Bytes& data) {
  CK_GCM_PARAMS parameters{};
  parameters.pIv = input_pointer(nonce);
  parameters.ulIvLen = nonce.size();
  parameters.ulIvBits = nonce.size() * 8;
  parameters.pAAD = input_pointer(data);
  parameters.ulAADLen = data.size();
  parameters.ulTagBits = kTagBytes * 8;
  return parameters;
}

// What modules answer to a tag that does not match. PKCS#11 2.40 names CKR_ENCRYPTED_DATA_INVALID;
// SoftHSM says CKR_GENERAL_ERROR. A device that has gone has answers of its own.
bool says_changed(CK_RV value) {
  return value == CKR_ENCRYPTED_DATA_INVALID || value == CKR_ENCRYPTED_DATA_LEN_RANGE ||
         value == CKR_GENERAL_ERROR;
}

// Sizes are the caller's arithmetic, not input.
Result<void> require_size(std::size_t size, std::size_t expected) {
  if (size != expected) return fail(Code::internal, "output of the wrong size for an envelope");
  return {};
}

}  // namespace

Result<void> Pkcs11Hsm::seal(const keys::HsmKey& key, ByteView aad, ByteView plaintext,
                             ByteSpan envelope) {
  NAE_TRY(require_size(envelope.size(), plaintext.size() + kHsmGcmOverheadBytes));
  return on_session([&]() -> Result<void> {
    NAE_ASSIGN(const ObjectHandle object, object_of(key));
    // NIST SP 800-38D section 8.2.2, with all of the nonce random: nothing that this process counts
    // tells it apart from a copy of itself.
    Nonce nonce;
    NAE_TRY(session_->random(nonce));
    write_hsm_gcm_header(envelope.data(), key.id, nonce);
    const Bytes data = associated(envelope.first(kHsmGcmHeaderBytes), aad);
    CK_GCM_PARAMS parameters = gcm_parameters(nonce, data);
    CK_MECHANISM mechanism{CKM_AES_GCM, &parameters, sizeof parameters};
    const ByteSpan out = envelope.subspan(kHsmGcmHeaderBytes);
    CK_ULONG size = out.size();
    const CK_FUNCTION_LIST& calls = session_->calls();
    NAE_TRY(checked("C_EncryptInit", calls.C_EncryptInit(session_->handle(), &mechanism, object)));
    NAE_TRY(checked("C_Encrypt", calls.C_Encrypt(session_->handle(), input_pointer(plaintext),
                                                 plaintext.size(), out.data(), &size)));
    if (size != out.size())
      return fail(Code::hsm_failed, "C_Encrypt: a ciphertext of the wrong length");
    return {};
  });
}

Result<void> Pkcs11Hsm::open(const keys::HsmKey& key, const EnvelopeView& envelope, ByteView aad,
                             ByteSpan plaintext) {
  NAE_TRY(require_size(plaintext.size(), envelope.ciphertext.size()));
  if (envelope.format != Format::aes_256_gcm_hsm || envelope.key != key.id)
    return fail(Code::internal, "a key of another envelope");
  return on_session([&]() -> Result<void> {
    NAE_ASSIGN(const ObjectHandle object, object_of(key));
    const Bytes data = associated(envelope.header, aad);
    CK_GCM_PARAMS parameters = gcm_parameters(envelope.nonce, data);
    CK_MECHANISM mechanism{CKM_AES_GCM, &parameters, sizeof parameters};
    const CK_FUNCTION_LIST& calls = session_->calls();
    NAE_TRY(checked("C_DecryptInit", calls.C_DecryptInit(session_->handle(), &mechanism, object)));
    // The tag follows the ciphertext. SoftHSM wants room for both, though it returns the one.
    const ByteView sealed(envelope.ciphertext.data(), envelope.ciphertext.size() + kTagBytes);
    Bytes out(sealed.size());
    CK_ULONG size = out.size();
    const CK_RV value = calls.C_Decrypt(session_->handle(), input_pointer(sealed), sealed.size(),
                                        out.data(), &size);
    if (says_changed(value))
      return fail(Code::authentication_failed, "the envelope does not authenticate");
    NAE_TRY(checked("C_Decrypt", value));
    if (size != plaintext.size())
      return fail(Code::hsm_failed, "C_Decrypt: a plaintext of the wrong length");
    std::copy_n(out.begin(), size, plaintext.begin());
    return {};
  });
}

}  // namespace nae::hsm

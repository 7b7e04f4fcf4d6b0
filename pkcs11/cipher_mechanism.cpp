#include "pkcs11/cipher_mechanism.hpp"

#include <algorithm>

#include "pkcs11/native.hpp"

namespace nae::pkcs11 {
namespace {

constexpr std::size_t kMaxAssociatedBytes = 65'536;  // of nae/1
constexpr std::size_t kBlockBytes = 16, kGcmTagBytes = 16, kHalfBlockBytes = 8;
constexpr std::size_t kLeastWrappedBytes = 2 * kHalfBlockBytes;  // RFC 3394 section 2

constexpr CipherMechanism kCipherMechanisms[] = {
#define NAE_CIPHER_MODE(mode, number, text, mechanism, ...) {mechanism, CipherMode::mode},
#include "libnae/base/algorithms.def"
};

// The parameter of GCM before 2.40 errata 1, which callers still pass: without the bits of the IV.
struct GcmParametersWithoutBits {
  CK_BYTE* iv;
  CK_ULONG iv_bytes;
  CK_BYTE* aad;
  CK_ULONG aad_bytes;
  CK_ULONG tag_bits;
};

std::optional<GcmParametersWithoutBits> gcm_parameters(const CK_MECHANISM& asked) {
  if (const auto given = parameter_of<CK_GCM_PARAMS>(asked))
    return GcmParametersWithoutBits{given->pIv, given->ulIvLen, given->pAAD, given->ulAADLen,
                                    given->ulTagBits};
  return parameter_of<GcmParametersWithoutBits>(asked);
}

CK_RV gcm_of(const CK_MECHANISM& asked, CipherUse& use) {
  const auto given = gcm_parameters(asked);
  if (!given || !given->iv || given->tag_bits != kGcmTagBytes * 8)
    return CKR_MECHANISM_PARAM_INVALID;
  const CipherRow& row = *find_row(CipherMode::aes_gcm);
  if (given->iv_bytes < row.least_iv_bytes || given->iv_bytes > row.most_iv_bytes)
    return CKR_MECHANISM_PARAM_INVALID;
  if (given->aad_bytes > kMaxAssociatedBytes || (!given->aad && given->aad_bytes != 0))
    return CKR_MECHANISM_PARAM_INVALID;
  use.iv.assign(given->iv, given->iv + given->iv_bytes);
  if (given->aad_bytes != 0) use.aad.assign(given->aad, given->aad + given->aad_bytes);
  return CKR_OK;
}

CK_RV counter_of(const CK_MECHANISM& asked, CipherUse& use) {
  const auto given = parameter_of<CK_AES_CTR_PARAMS>(asked);
  if (!given || given->ulCounterBits != kBlockBytes * 8) return CKR_MECHANISM_PARAM_INVALID;
  use.iv.assign(std::begin(given->cb), std::end(given->cb));
  return CKR_OK;
}

CK_RV block_of(const CK_MECHANISM& asked, CipherUse& use) {
  if (!asked.pParameter || asked.ulParameterLen != kBlockBytes) return CKR_MECHANISM_PARAM_INVALID;
  const auto* iv = static_cast<const Byte*>(asked.pParameter);
  use.iv.assign(iv, iv + kBlockBytes);
  return CKR_OK;
}

}  // namespace

std::span<const CipherMechanism> cipher_mechanisms() {
  return kCipherMechanisms;
}

const CipherMechanism* find_cipher_mechanism(CK_MECHANISM_TYPE type) {
  const auto* found = std::ranges::find(kCipherMechanisms, type, &CipherMechanism::type);
  return found == std::end(kCipherMechanisms) ? nullptr : found;
}

CK_MECHANISM_INFO info_of(const CipherMechanism&) {
  constexpr CK_ULONG kKeyBytes = 32;  // bytes: pkcs11-curr-v2.40 section 2.8
  return {kKeyBytes, kKeyBytes, CKF_ENCRYPT | CKF_DECRYPT};
}

CK_RV cipher_use_of(const CipherMechanism& mechanism, const CK_MECHANISM& asked, CipherUse& use) {
  use.mode = mechanism.mode;
  switch (mechanism.mode) {
    case CipherMode::aes_gcm:
      return gcm_of(asked, use);
    case CipherMode::aes_cbc:
    case CipherMode::aes_cbc_pad:
      return block_of(asked, use);
    case CipherMode::aes_ctr:
      return counter_of(asked, use);
    // An initial value of the caller's own is not served: RFC 3394's alone.
    case CipherMode::aes_kw:
      return asked.ulParameterLen == 0 ? CKR_OK : CKR_MECHANISM_PARAM_INVALID;
  }
  return CKR_MECHANISM_INVALID;
}

std::optional<std::size_t> result_bytes(const CipherUse& use, std::size_t bytes) {
  switch (use.mode) {
    case CipherMode::aes_gcm:
      if (use.encrypts) return bytes + kGcmTagBytes;
      return bytes < kGcmTagBytes ? std::nullopt : std::optional(bytes - kGcmTagBytes);
    case CipherMode::aes_cbc:
      return bytes % kBlockBytes == 0 ? std::optional(bytes) : std::nullopt;
    case CipherMode::aes_cbc_pad:
      if (use.encrypts) return bytes / kBlockBytes * kBlockBytes + kBlockBytes;
      return bytes == 0 || bytes % kBlockBytes != 0 ? std::nullopt : std::optional(bytes);
    case CipherMode::aes_ctr:
      return bytes;
    case CipherMode::aes_kw:
      if (bytes % kHalfBlockBytes != 0) return std::nullopt;
      if (use.encrypts)
        return bytes < kLeastWrappedBytes ? std::nullopt : std::optional(bytes + kHalfBlockBytes);
      return bytes < kLeastWrappedBytes + kHalfBlockBytes ? std::nullopt
                                                          : std::optional(bytes - kHalfBlockBytes);
  }
  return std::nullopt;
}

}  // namespace nae::pkcs11

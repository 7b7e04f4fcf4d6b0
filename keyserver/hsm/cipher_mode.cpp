// Pkcs11Hsm: AES by the mode that the caller names, inside the HSM.
#include <algorithm>

#include "keyserver/hsm/mechanisms.hpp"
#include "keyserver/hsm/pkcs11_hsm.hpp"
#include "keyserver/hsm/session.hpp"
#include "keyserver/hsm/wrap.hpp"
#include "libnae/pkcs11/mechanisms.hpp"
#include "libnae/pkcs11/return_value.hpp"

namespace nae::hsm {
namespace {

using keys::CipherCall;

constexpr std::size_t kBlockBytes = 16;
constexpr std::size_t kHalfBlockBytes = 8;
constexpr std::size_t kLeastWrappedBytes = 2 * kHalfBlockBytes;  // RFC 3394 section 2
// Of what KW takes: it works on it as a whole, six times. No key is longer.
constexpr std::size_t kMostWrappedBytes = 8192;

Result<void> refuse_length(std::string_view what, CipherMode mode) {
  return fail(Code::invalid_argument, std::string(what) + " of a length that " +
                                          std::string(nae::name(mode)) + " does not take");
}

// A counter that begins again gives the key stream of its first blocks a second time. Modules
// differ in what they do then.
bool begins_again(ByteView counter, std::size_t bytes) {
  const std::uint64_t blocks = (bytes + kBlockBytes - 1) / kBlockBytes;
  const ByteView high = counter.first(kHalfBlockBytes);
  return std::ranges::all_of(high, [](Byte byte) { return byte == 0xff; }) && blocks > 0 &&
         load_big_endian<std::uint64_t>(counter.data() + kHalfBlockBytes) >
             UINT64_MAX - (blocks - 1);
}

bool takes_length(const CipherCall& call) {
  const std::size_t bytes = call.data.size();
  switch (call.mode) {
    case CipherMode::aes_gcm:
      return call.encrypts || bytes >= kTagBytes;
    case CipherMode::aes_cbc:
      return bytes % kBlockBytes == 0;
    case CipherMode::aes_cbc_pad:
      return call.encrypts || (bytes > 0 && bytes % kBlockBytes == 0);
    case CipherMode::aes_ctr:
      return !begins_again(call.iv, bytes);
    case CipherMode::aes_kw: {
      const std::size_t more = call.encrypts ? 0 : kHalfBlockBytes;
      return bytes % kHalfBlockBytes == 0 && bytes >= kLeastWrappedBytes + more &&
             bytes <= kMostWrappedBytes + more;
    }
  }
  return false;
}

Result<void> check_call(const CipherCall& call) {
  const CipherRow* row = find_row(call.mode);
  if (!row) return fail(Code::unsupported, "unknown mode of AES");
  if (call.iv.size() < row->least_iv_bytes || call.iv.size() > row->most_iv_bytes)
    return refuse_length("an IV", call.mode);
  if (!call.aad.empty() && call.mode != CipherMode::aes_gcm)
    return fail(Code::invalid_argument, std::string(row->name) + " takes no associated data");
  return takes_length(call) ? Result<void>{} : refuse_length("data", call.mode);
}

// How many bytes come of it; of CBC-PAD that is decrypted at most.
std::size_t most_bytes(const CipherCall& call) {
  const std::size_t bytes = call.data.size();
  switch (call.mode) {
    case CipherMode::aes_gcm:
      return call.encrypts ? bytes + kTagBytes : bytes - kTagBytes;
    case CipherMode::aes_cbc_pad:
      return call.encrypts ? bytes / kBlockBytes * kBlockBytes + kBlockBytes : bytes - 1;
    case CipherMode::aes_kw:
      return call.encrypts ? bytes + kHalfBlockBytes : bytes - kHalfBlockBytes;
    case CipherMode::aes_cbc:
    case CipherMode::aes_ctr:
      break;
  }
  return bytes;
}

// One answer to a tag, a padding or an integrity value that is wrong, by whatever name a module has
// for it. A device that has gone has answers of its own.
bool says_it_does_not_open(CK_RV value) {
  switch (value) {
    case CKR_ENCRYPTED_DATA_INVALID:
    case CKR_ENCRYPTED_DATA_LEN_RANGE:
    case CKR_WRAPPED_KEY_INVALID:
    case CKR_WRAPPED_KEY_LEN_RANGE:
    case CKR_DATA_INVALID:
    case CKR_FUNCTION_FAILED:
    case CKR_GENERAL_ERROR:
      return true;
    default:
      return false;
  }
}

Result<void> checked_opening(const CipherCall& call, const char* function, CK_RV value) {
  const bool may_fail = call.mode != CipherMode::aes_cbc && call.mode != CipherMode::aes_ctr;
  if (!call.encrypts && may_fail && says_it_does_not_open(value))
    return fail(Code::authentication_failed, "the ciphertext does not open");
  return checked(function, value);
}

// The parameter of a call's mechanism, for as long as the call lasts.
class Parameter {
 public:
  explicit Parameter(const CipherCall& call) : mechanism_{mechanism_of(call.mode), nullptr, 0} {
    switch (call.mode) {
      case CipherMode::aes_gcm:
        gcm_.pIv = input_pointer(call.iv);
        gcm_.ulIvLen = call.iv.size();
        gcm_.ulIvBits = call.iv.size() * 8;
        gcm_.pAAD = input_pointer(call.aad);
        gcm_.ulAADLen = call.aad.size();
        gcm_.ulTagBits = kTagBytes * 8;
        set(&gcm_, sizeof gcm_);
        break;
      case CipherMode::aes_cbc:
      case CipherMode::aes_cbc_pad:
        set(input_pointer(call.iv), call.iv.size());
        break;
      case CipherMode::aes_ctr:
        counter_.ulCounterBits = kBlockBytes * 8;
        std::ranges::copy(call.iv, counter_.cb);
        set(&counter_, sizeof counter_);
        break;
      case CipherMode::aes_kw:
        break;
    }
  }
  Parameter(const Parameter&) = delete;
  Parameter& operator=(const Parameter&) = delete;
  CK_MECHANISM* mechanism() { return &mechanism_; }

 private:
  void set(void* parameter, CK_ULONG bytes) {
    mechanism_.pParameter = parameter;
    mechanism_.ulParameterLen = bytes;
  }
  CK_MECHANISM mechanism_;
  CK_GCM_PARAMS gcm_{};
  CK_AES_CTR_PARAMS counter_{};
};

Result<Bytes> crypt(const Session& session, CK_OBJECT_HANDLE key, const CipherCall& call) {
  // Of no block CBC and CTR make none, and some modules take none.
  if (most_bytes(call) == 0 && call.mode != CipherMode::aes_gcm && call.data.empty())
    return Bytes();
  Parameter parameter(call);
  const CK_FUNCTION_LIST& calls = session.calls();
  // Modules want room for tag and padding, though they return less.
  Bytes out(call.data.size() + kTagBytes);
  CK_ULONG size = out.size();
  if (call.encrypts) {
    NAE_TRY(checked("C_EncryptInit",
                    calls.C_EncryptInit(session.handle(), parameter.mechanism(), key)));
    NAE_TRY(checked("C_Encrypt", calls.C_Encrypt(session.handle(), input_pointer(call.data),
                                                 call.data.size(), out.data(), &size)));
  } else {
    NAE_TRY(checked("C_DecryptInit",
                    calls.C_DecryptInit(session.handle(), parameter.mechanism(), key)));
    NAE_TRY(checked_opening(call, "C_Decrypt",
                            calls.C_Decrypt(session.handle(), input_pointer(call.data),
                                            call.data.size(), out.data(), &size)));
  }
  const bool is_of_padding = call.mode == CipherMode::aes_cbc_pad && !call.encrypts;
  if (size > most_bytes(call) || (!is_of_padding && size != most_bytes(call)))
    return fail(Code::hsm_failed, "the HSM's answer is of the wrong length");
  out.resize(size);
  return out;
}

// An object of the caller's bytes, for the call alone: KW has no other way into a module.
Attributes& add_callers_bytes(Attributes& object) {
  return object.number(CKA_CLASS, CKO_SECRET_KEY)
      .number(CKA_KEY_TYPE, CKK_GENERIC_SECRET)
      .flag(CKA_TOKEN, false)
      .flag(CKA_SENSITIVE, false)
      .flag(CKA_EXTRACTABLE, true)
      .none_of({CKA_ENCRYPT, CKA_DECRYPT, CKA_SIGN, CKA_VERIFY, CKA_WRAP, CKA_UNWRAP, CKA_DERIVE});
}

Result<Bytes> wrap_bytes(const Session& session, CK_OBJECT_HANDLE key, const CipherCall& call) {
  Attributes object;
  add_callers_bytes(object).bytes(CKA_VALUE, call.data);
  CK_OBJECT_HANDLE made = 0;
  const CK_FUNCTION_LIST& calls = session.calls();
  NAE_TRY(checked("C_CreateObject",
                  calls.C_CreateObject(session.handle(), object.data(), object.size(), &made)));
  const TemporaryObject bytes(session, made);
  Parameter parameter(call);
  Bytes out(most_bytes(call) + kBlockBytes);
  CK_ULONG size = out.size();
  NAE_TRY(checked("C_WrapKey", calls.C_WrapKey(session.handle(), parameter.mechanism(), key, made,
                                               out.data(), &size)));
  if (size != most_bytes(call))
    return fail(Code::hsm_failed, "C_WrapKey: an answer of the wrong length");
  out.resize(size);
  return out;
}

Result<Bytes> unwrap_bytes(const Session& session, CK_OBJECT_HANDLE key, const CipherCall& call) {
  Attributes object;
  add_callers_bytes(object);
  CK_OBJECT_HANDLE made = 0;
  Parameter parameter(call);
  NAE_TRY(checked_opening(call, "C_UnwrapKey",
                          session.calls().C_UnwrapKey(session.handle(), parameter.mechanism(), key,
                                                      input_pointer(call.data), call.data.size(),
                                                      object.data(), object.size(), &made)));
  const TemporaryObject bytes(session, made);
  NAE_ASSIGN(Bytes value, session.read_attribute(made, CKA_VALUE));
  if (value.size() != most_bytes(call))
    return fail(Code::hsm_failed, "C_UnwrapKey: a value of the wrong length");
  return value;
}

}  // namespace

Result<Bytes> Pkcs11Hsm::cipher(const keys::HsmKey& key, const CipherCall& call) {
  if (!takes_cipher_mode(key.type))
    return fail(Code::key_type, "a key of type " + std::string(nae::name(key.type)) +
                                    " takes no mode of its caller's");
  NAE_TRY(check_call(call));
  return on_session([&]() -> Result<Bytes> {
    if (!pkcs11::offers(session_->calls(), session_->slot(), mechanism_of(call.mode)))
      return fail(Code::unsupported, "this HSM does not know " + std::string(nae::name(call.mode)));
    NAE_ASSIGN(const ObjectHandle object, object_of(key));
    if (call.mode != CipherMode::aes_kw) return crypt(*session_, object, call);
    return call.encrypts ? wrap_bytes(*session_, object, call)
                         : unwrap_bytes(*session_, object, call);
  });
}

}  // namespace nae::hsm

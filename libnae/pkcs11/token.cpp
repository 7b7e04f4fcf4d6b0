#include "libnae/pkcs11/token.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "libnae/base/algorithm.hpp"
#include "libnae/crypto/random.hpp"
#include "libnae/pkcs11/mechanisms.hpp"
#include "libnae/pkcs11/return_value.hpp"

namespace nae::pkcs11 {
namespace {

Result<std::vector<CK_SLOT_ID>> slots_with_token(const CK_FUNCTION_LIST& calls) {
  std::vector<CK_SLOT_ID> slots;
  for (;;) {  // slots may appear between the two calls
    CK_ULONG count = 0;
    NAE_TRY(checked("C_GetSlotList", calls.C_GetSlotList(CK_TRUE, nullptr, &count)));
    slots.resize(count);
    if (count == 0) return slots;
    const CK_RV value = calls.C_GetSlotList(CK_TRUE, slots.data(), &count);
    if (value == CKR_BUFFER_TOO_SMALL) continue;
    NAE_TRY(checked("C_GetSlotList", value));
    slots.resize(count);
    return slots;
  }
}

}  // namespace

Result<Bytes> padded_label(const std::string& label) {
  if (label.empty() || label.size() > kTokenLabelBytes)
    return fail(Code::config_invalid, "a token's label has 1 to 32 bytes");
  Bytes padded(label.begin(), label.end());
  padded.resize(kTokenLabelBytes, ' ');
  return padded;
}

Result<CK_SLOT_ID> find_token(const Module& module, const std::string& label) {
  NAE_ASSIGN(const Bytes padded, padded_label(label));
  NAE_ASSIGN(const std::vector<CK_SLOT_ID> slots, slots_with_token(module.calls()));
  std::optional<CK_SLOT_ID> found;
  CK_RV silent = CKR_OK;
  for (CK_SLOT_ID slot : slots) {
    CK_TOKEN_INFO info{};
    // A neighbour's broken token is not ours to fail for.
    if (const CK_RV value = module.calls().C_GetTokenInfo(slot, &info); value != CKR_OK) {
      silent = value;
      continue;
    }
    if (!(info.flags & CKF_TOKEN_INITIALIZED) ||
        !std::equal(padded.begin(), padded.end(), info.label))
      continue;
    if (found) return fail(Code::conflict, "two tokens have the label '" + label + "'");
    found = slot;
  }
  // One that does not say its label may well be ours.
  if (!found && silent != CKR_OK)
    return fail(Code::hsm_unavailable, error_of("C_GetTokenInfo", silent).message +
                                           "; no other token has the label '" + label + "'");
  if (!found) return fail(Code::hsm_token_missing, "no token has the label '" + label + "'");
  return *found;
}

Result<CK_SLOT_ID> find_free_slot(const Module& module) {
  NAE_ASSIGN(const std::vector<CK_SLOT_ID> slots, slots_with_token(module.calls()));
  for (CK_SLOT_ID slot : slots) {
    CK_TOKEN_INFO info{};
    if (module.calls().C_GetTokenInfo(slot, &info) == CKR_OK &&
        !(info.flags & CKF_TOKEN_INITIALIZED))
      return slot;
  }
  return fail(Code::hsm_token_missing, "the module has no slot with an uninitialised token");
}

Result<std::unique_ptr<Session>> Session::open(const Module& module, CK_SLOT_ID slot,
                                               const crypto::SecretBytes& pin) {
  const CK_FUNCTION_LIST& calls = module.calls();
  CK_SESSION_HANDLE handle = 0;
  NAE_TRY(checked("C_OpenSession", calls.C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION,
                                                       nullptr, nullptr, &handle)));
  std::unique_ptr<Session> session(new Session(calls, slot, handle));
  const CK_RV value = calls.C_Login(handle, CKU_USER, input_pointer(pin.expose()),
                                    static_cast<CK_ULONG>(pin.size()));
  // The login belongs to the whole process: another session of ours may have done it.
  if (value != CKR_USER_ALREADY_LOGGED_IN) NAE_TRY(checked("C_Login", value));
  return session;
}

Session::Session(const CK_FUNCTION_LIST& calls, CK_SLOT_ID slot, CK_SESSION_HANDLE handle)
    : calls_(calls), slot_(slot), handle_(handle), key_wrap_(choose_key_wrap(calls, slot)) {}

void Session::use_key_wrap_of(CK_OBJECT_HANDLE group_key) {
  const auto allowed = read_attribute(group_key, CKA_ALLOWED_MECHANISMS);
  const CK_MECHANISM_TYPE older = CKM_AES_KEY_WRAP_PAD;
  if (allowed && allowed->size() == sizeof older &&
      std::memcmp(allowed->data(), &older, sizeof older) == 0)
    key_wrap_ = older;
}

Session::~Session() {
  calls_.C_CloseSession(handle_);
}

Result<void> Session::check_logged_in() const {
  CK_SESSION_INFO info{};
  NAE_TRY(checked("C_GetSessionInfo", calls_.C_GetSessionInfo(handle_, &info)));
  if (info.state != CKS_RW_USER_FUNCTIONS)
    return fail(error_of("C_GetSessionInfo", CKR_USER_NOT_LOGGED_IN));
  return {};
}

Result<std::optional<CK_OBJECT_HANDLE>> Session::find(CK_OBJECT_CLASS object_class,
                                                      const std::string& label) const {
  Attributes wanted;
  wanted.flag(CKA_TOKEN, true).number(CKA_CLASS, object_class).text(CKA_LABEL, label);
  NAE_TRY(checked("C_FindObjectsInit",
                  calls_.C_FindObjectsInit(handle_, wanted.data(), wanted.size())));
  CK_OBJECT_HANDLE found[2];
  CK_ULONG count = 0;
  const CK_RV searched = calls_.C_FindObjects(handle_, found, 2, &count);
  const CK_RV ended = calls_.C_FindObjectsFinal(handle_);
  NAE_TRY(checked("C_FindObjects", searched));
  NAE_TRY(checked("C_FindObjectsFinal", ended));
  if (count > 1)
    return fail(Code::conflict, "the token holds several objects labelled '" + label + "'");
  return count == 1 ? std::optional(found[0]) : std::nullopt;
}

Result<Bytes> Session::read_attribute(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) const {
  CK_ATTRIBUTE attribute{type, nullptr, 0};
  NAE_TRY(
      checked("C_GetAttributeValue", calls_.C_GetAttributeValue(handle_, object, &attribute, 1)));
  constexpr CK_ULONG kMaxBytes = 64u << 10;  // a length from outside
  if (attribute.ulValueLen > kMaxBytes)
    return fail(Code::hsm_failed, "C_GetAttributeValue: an attribute of absurd length");
  Bytes value(attribute.ulValueLen);
  attribute.pValue = value.data();
  NAE_TRY(
      checked("C_GetAttributeValue", calls_.C_GetAttributeValue(handle_, object, &attribute, 1)));
  value.resize(std::min<std::size_t>(attribute.ulValueLen, value.size()));
  return value;
}

Result<void> Session::destroy(CK_OBJECT_HANDLE object) const {
  return checked("C_DestroyObject", calls_.C_DestroyObject(handle_, object));
}

bool Session::knows_allowed_mechanisms() const {
  if (knows_allowed_mechanisms_) return *knows_allowed_mechanisms_;
  Attributes trial;
  trial.flag(CKA_TOKEN, false)
      .number(CKA_VALUE_LEN, 32)
      .flag(CKA_ENCRYPT, true)
      .numbers(CKA_ALLOWED_MECHANISMS, {CKM_AES_GCM});
  CK_MECHANISM mechanism{CKM_AES_KEY_GEN, nullptr, 0};
  CK_OBJECT_HANDLE object = 0;
  const CK_RV value =
      calls_.C_GenerateKey(handle_, &mechanism, trial.data(), trial.size(), &object);
  knows_allowed_mechanisms_ = value == CKR_OK && !encrypts_a_block(object);
  if (value == CKR_OK) (void)destroy(object);
  return *knows_allowed_mechanisms_;
}

bool Session::encrypts_a_block(CK_OBJECT_HANDLE key) const {
  CK_MECHANISM mechanism{CKM_AES_ECB, nullptr, 0};
  std::array<Byte, 16> in{}, out;
  CK_ULONG size = out.size();
  return calls_.C_EncryptInit(handle_, &mechanism, key) == CKR_OK &&
         calls_.C_Encrypt(handle_, in.data(), in.size(), out.data(), &size) == CKR_OK;
}

Attributes& Session::allow_only(Attributes& object,
                                const std::vector<CK_MECHANISM_TYPE>& mechanisms) const {
  return knows_allowed_mechanisms() ? object.numbers(CKA_ALLOWED_MECHANISMS, mechanisms) : object;
}

Result<void> Session::random(ByteSpan out) const {
  NAE_TRY(checked("C_GenerateRandom", calls_.C_GenerateRandom(handle_, out.data(), out.size())));
  return crypto::mix_fresh_random(out);
}

Result<void> Session::seed() const {
  std::array<Byte, 32> fresh;
  NAE_TRY(crypto::fresh_random(fresh));
  // Answers CKR_RANDOM_SEED_NOT_SUPPORTED and others where the device has a generator of its own. A
  // session that is gone is noticed by the call that follows.
  (void)calls_.C_SeedRandom(handle_, fresh.data(), fresh.size());
  return {};
}

Result<Bytes> Session::sign(CK_MECHANISM mechanism, CK_OBJECT_HANDLE key, ByteView data) const {
  NAE_TRY(checked("C_SignInit", calls_.C_SignInit(handle_, &mechanism, key)));
  Bytes signature(kMaxSignatureBytes);
  CK_ULONG size = kMaxSignatureBytes;
  NAE_TRY(checked(
      "C_Sign", calls_.C_Sign(handle_, input_pointer(data), data.size(), signature.data(), &size)));
  if (size > kMaxSignatureBytes) return fail(Code::hsm_failed, "C_Sign: more than was asked for");
  signature.resize(size);
  return signature;
}

}  // namespace nae::pkcs11

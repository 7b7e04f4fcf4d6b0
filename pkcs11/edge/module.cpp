// The edge: the C functions of PKCS#11 in two tables, that of 2.40 and that of 3.0. What is behind
// it knows exceptions and C++; nothing of that leaves.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <mutex>
#include <string_view>

#include "libnae/base/version.hpp"
#include "pkcs11/guarded.hpp"
#include "pkcs11/return_value.hpp"
#include "pkcs11/token.hpp"

namespace nae::pkcs11 {
namespace {

// What a process has between C_Initialize and C_Finalize. Never freed: a call of another thread may
// be looking at it, and in a child of the process its lock may be held for ever.
struct Process {
  explicit Process(Process* found) : parent(found) {}
  const pid_t pid = ::getpid();
  Process* const parent;  // what a child found; not leaked, then
  std::mutex lock;
  std::shared_ptr<Token> token;  // none: C_Initialize has not been called, or C_Finalize has
};
std::atomic<Process*> process{nullptr};

std::shared_ptr<Token> token_of_this_process() {
  Process* const here = process.load();
  // A child is another program until it calls C_Initialize (pkcs11-base-v3.0 section 5.6.1).
  if (!here || here->pid != ::getpid()) return nullptr;
  std::lock_guard guard(here->lock);
  return here->token;
}

template <class Call>
CK_RV on_token(const Call& call) noexcept {
  return guarded([&]() -> CK_RV {
    const std::shared_ptr<Token> token = token_of_this_process();
    return token ? call(*token) : CKR_CRYPTOKI_NOT_INITIALIZED;
  });
}

ByteView view(const CK_BYTE* data, CK_ULONG bytes) {
  return {data, bytes};
}

// ---- general

CK_RV read_arguments(const void* given, const char*& reserved) {
  reserved = nullptr;
  if (!given) return CKR_OK;
  const auto& arguments = *static_cast<const CK_C_INITIALIZE_ARGS*>(given);
  const int functions = (arguments.CreateMutex ? 1 : 0) + (arguments.DestroyMutex ? 1 : 0) +
                        (arguments.LockMutex ? 1 : 0) + (arguments.UnlockMutex ? 1 : 0);
  if (functions != 0 && functions != 4) return CKR_ARGUMENTS_BAD;
  // The locks here are the system's.
  if (functions == 4 && !(arguments.flags & CKF_OS_LOCKING_OK)) return CKR_CANT_LOCK;
  reserved = static_cast<const char*>(arguments.pReserved);
  return CKR_OK;
}

CK_RV initialize(void* given) {
  return guarded([&]() -> CK_RV {
    const char* reserved = nullptr;
    if (const CK_RV rv = read_arguments(given, reserved); rv != CKR_OK) return rv;
    const auto settings = load_settings(reserved);
    if (!settings) return return_value(settings.error().code);
    Process* here = process.load();
    if (!here || here->pid != ::getpid()) {
      auto fresh = std::make_unique<Process>(here);
      if (process.compare_exchange_strong(here, fresh.get())) {
        here = fresh.release();
        LinkPool::close_inherited();
      }
    }
    std::lock_guard guard(here->lock);
    if (here->token) return CKR_CRYPTOKI_ALREADY_INITIALIZED;
    here->token = std::make_shared<Token>(*settings);
    return CKR_OK;
  });
}

CK_RV finalize(void* reserved) {
  return guarded([&]() -> CK_RV {
    if (reserved) return CKR_ARGUMENTS_BAD;
    if (!token_of_this_process()) return CKR_CRYPTOKI_NOT_INITIALIZED;
    std::shared_ptr<Token> ended;
    {
      Process* const here = process.load();
      std::lock_guard guard(here->lock);
      ended.swap(here->token);
    }
    if (!ended) return CKR_CRYPTOKI_NOT_INITIALIZED;
    ended->close();  // whoever is in a call of it has it until that ends
    return CKR_OK;
  });
}

void put_blank_padded(CK_UTF8CHAR (&field)[32], std::string_view text) {
  std::memset(field, ' ', sizeof field);
  std::memcpy(field, text.data(), std::min(sizeof field, text.size()));
}

template <CK_BYTE kMajor, CK_BYTE kMinor>
CK_RV get_info(CK_INFO* info) {
  return on_token([&](Token&) -> CK_RV {
    if (!info) return CKR_ARGUMENTS_BAD;
    *info = {};
    info->cryptokiVersion = {kMajor, kMinor};
    put_blank_padded(info->manufacturerID, "NAE");
    put_blank_padded(info->libraryDescription, "NAE PKCS#11 module");
    info->libraryVersion = {NAE_PKCS11_MAJOR, NAE_PKCS11_MINOR};
    return CKR_OK;
  });
}

// ---- slots and sessions

CK_RV get_slot_list(CK_BBOOL, CK_SLOT_ID* slots, CK_ULONG* count) {
  return on_token([&](Token&) -> CK_RV {
    if (!count) return CKR_ARGUMENTS_BAD;
    const CK_ULONG room = *count;
    *count = 1;
    if (!slots) return CKR_OK;
    if (room < 1) return CKR_BUFFER_TOO_SMALL;
    *slots = kSlot;
    return CKR_OK;
  });
}
CK_RV get_slot_info(CK_SLOT_ID slot, CK_SLOT_INFO* info) {
  return on_token([&](Token& token) { return token.slot_info(slot, info); });
}
CK_RV get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO* info) {
  return on_token([&](Token& token) { return token.token_info(slot, info); });
}
CK_RV wait_for_slot_event(CK_FLAGS flags, CK_SLOT_ID*, void*) {
  return on_token([&](Token&) -> CK_RV {
    return flags & CKF_DONT_BLOCK ? CKR_NO_EVENT : CKR_FUNCTION_NOT_SUPPORTED;
  });
}
CK_RV get_mechanism_list(CK_SLOT_ID slot, CK_MECHANISM_TYPE* types, CK_ULONG* count) {
  return on_token([&](Token&) -> CK_RV {
    if (slot != kSlot) return CKR_SLOT_ID_INVALID;
    if (!count) return CKR_ARGUMENTS_BAD;
    const CK_ULONG room = *count;
    const auto every = every_mechanism();
    *count = every.size();
    if (!types) return CKR_OK;
    if (room < *count) return CKR_BUFFER_TOO_SMALL;
    std::ranges::copy(every, types);
    return CKR_OK;
  });
}
CK_RV get_mechanism_info(CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO* info) {
  return on_token([&](Token&) -> CK_RV {
    if (slot != kSlot) return CKR_SLOT_ID_INVALID;
    CK_MECHANISM_INFO found{};
    if (const CK_RV rv = mechanism_info(type, found); rv != CKR_OK) return rv;
    if (!info) return CKR_ARGUMENTS_BAD;
    *info = found;
    return CKR_OK;
  });
}
CK_RV init_token(CK_SLOT_ID slot, CK_UTF8CHAR*, CK_ULONG, CK_UTF8CHAR*) {
  return on_token([&](Token&) -> CK_RV {
    return slot == kSlot ? CKR_FUNCTION_NOT_SUPPORTED : CKR_SLOT_ID_INVALID;
  });
}
CK_RV open_session(CK_SLOT_ID slot, CK_FLAGS flags, void*, CK_NOTIFY, CK_SESSION_HANDLE* handle) {
  return on_token([&](Token& token) { return token.open_session(slot, flags, handle); });
}
CK_RV close_session(CK_SESSION_HANDLE session) {
  return on_token([&](Token& token) { return token.close_session(session); });
}
CK_RV close_all_sessions(CK_SLOT_ID slot) {
  return on_token([&](Token& token) { return token.close_all_sessions(slot); });
}
CK_RV get_session_info(CK_SESSION_HANDLE session, CK_SESSION_INFO* info) {
  return on_token([&](Token& token) { return token.session_info(session, info); });
}
CK_RV login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR* pin, CK_ULONG bytes) {
  return on_token([&](Token& token) { return token.login(session, user, view(pin, bytes)); });
}
CK_RV login_user(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR* pin, CK_ULONG bytes,
                 CK_UTF8CHAR*, CK_ULONG name_bytes) {
  return on_token([&](Token& token) -> CK_RV {
    if (const CK_RV rv = token.check_session(session); rv != CKR_OK) return rv;
    // The system says who the user is, or a token does: a name would have no effect.
    if (name_bytes != 0) return CKR_ARGUMENTS_BAD;
    return token.login(session, user, view(pin, bytes));
  });
}
CK_RV logout(CK_SESSION_HANDLE session) {
  return on_token([&](Token& token) { return token.logout(session); });
}
CK_RV session_cancel(CK_SESSION_HANDLE session, CK_FLAGS flags) {
  return on_token([&](Token& token) { return token.cancel(session, flags); });
}
CK_RV legacy_parallel(CK_SESSION_HANDLE session) {
  return on_token([&](Token& token) -> CK_RV {
    const CK_RV rv = token.check_session(session);
    return rv == CKR_OK ? CKR_FUNCTION_NOT_PARALLEL : rv;
  });
}

// ---- objects

CK_RV find_objects_init(CK_SESSION_HANDLE session, CK_ATTRIBUTE* attributes, CK_ULONG count) {
  return on_token([&](Token& token) { return token.begin_search(session, attributes, count); });
}
CK_RV find_objects(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE* found, CK_ULONG most,
                   CK_ULONG* count) {
  return on_token([&](Token& token) { return token.search(session, found, most, count); });
}
CK_RV find_objects_final(CK_SESSION_HANDLE session) {
  return on_token([&](Token& token) { return token.end_search(session); });
}
CK_RV get_attribute_value(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
                          CK_ATTRIBUTE* attributes, CK_ULONG count) {
  return on_token(
      [&](Token& token) { return token.attributes(session, object, attributes, count); });
}

// ---- signing and verifying

CK_RV sign_init(CK_SESSION_HANDLE session, CK_MECHANISM* mechanism, CK_OBJECT_HANDLE key) {
  return on_token([&](Token& token) { return token.begin_sign(session, mechanism, key); });
}
CK_RV sign(CK_SESSION_HANDLE session, CK_BYTE* data, CK_ULONG bytes, CK_BYTE* signature,
           CK_ULONG* signature_bytes) {
  return on_token([&](Token& token) {
    return token.sign(session, view(data, bytes), signature, signature_bytes);
  });
}
CK_RV sign_update(CK_SESSION_HANDLE session, CK_BYTE* part, CK_ULONG bytes) {
  return on_token([&](Token& token) { return token.sign_update(session, view(part, bytes)); });
}
CK_RV sign_final(CK_SESSION_HANDLE session, CK_BYTE* signature, CK_ULONG* signature_bytes) {
  return on_token(
      [&](Token& token) { return token.sign_final(session, signature, signature_bytes); });
}
CK_RV verify_init(CK_SESSION_HANDLE session, CK_MECHANISM* mechanism, CK_OBJECT_HANDLE key) {
  return on_token([&](Token& token) { return token.begin_verify(session, mechanism, key); });
}
CK_RV verify(CK_SESSION_HANDLE session, CK_BYTE* data, CK_ULONG bytes, CK_BYTE* signature,
             CK_ULONG signature_bytes) {
  return on_token([&](Token& token) {
    return token.verify(session, view(data, bytes), view(signature, signature_bytes));
  });
}
CK_RV verify_update(CK_SESSION_HANDLE session, CK_BYTE* part, CK_ULONG bytes) {
  return on_token([&](Token& token) { return token.verify_update(session, view(part, bytes)); });
}
CK_RV verify_final(CK_SESSION_HANDLE session, CK_BYTE* signature, CK_ULONG signature_bytes) {
  return on_token(
      [&](Token& token) { return token.verify_final(session, view(signature, signature_bytes)); });
}

// ---- encrypting, decrypting and deriving

CK_RV encrypt_init(CK_SESSION_HANDLE session, CK_MECHANISM* mechanism, CK_OBJECT_HANDLE key) {
  return on_token([&](Token& token) { return token.begin_encrypt(session, mechanism, key); });
}
CK_RV encrypt(CK_SESSION_HANDLE session, CK_BYTE* data, CK_ULONG bytes, CK_BYTE* out,
              CK_ULONG* room) {
  return on_token([&](Token& t) { return t.encrypt(session, view(data, bytes), out, room); });
}
CK_RV encrypt_update(CK_SESSION_HANDLE session, CK_BYTE* part, CK_ULONG bytes, CK_BYTE* out,
                     CK_ULONG* room) {
  return on_token(
      [&](Token& t) { return t.encrypt_update(session, view(part, bytes), out, room); });
}
CK_RV encrypt_final(CK_SESSION_HANDLE session, CK_BYTE* out, CK_ULONG* room) {
  return on_token([&](Token& token) { return token.encrypt_final(session, out, room); });
}

CK_RV decrypt_init(CK_SESSION_HANDLE session, CK_MECHANISM* mechanism, CK_OBJECT_HANDLE key) {
  return on_token([&](Token& token) { return token.begin_decrypt(session, mechanism, key); });
}
CK_RV decrypt(CK_SESSION_HANDLE session, CK_BYTE* data, CK_ULONG bytes, CK_BYTE* plaintext,
              CK_ULONG* plaintext_bytes) {
  return on_token([&](Token& token) {
    return token.decrypt(session, view(data, bytes), plaintext, plaintext_bytes);
  });
}
CK_RV decrypt_update(CK_SESSION_HANDLE session, CK_BYTE* part, CK_ULONG bytes, CK_BYTE* plaintext,
                     CK_ULONG* plaintext_bytes) {
  return on_token([&](Token& token) {
    return token.decrypt_update(session, view(part, bytes), plaintext, plaintext_bytes);
  });
}
CK_RV decrypt_final(CK_SESSION_HANDLE session, CK_BYTE* plaintext, CK_ULONG* plaintext_bytes) {
  return on_token(
      [&](Token& token) { return token.decrypt_final(session, plaintext, plaintext_bytes); });
}
CK_RV derive_key(CK_SESSION_HANDLE session, CK_MECHANISM* mechanism, CK_OBJECT_HANDLE key,
                 CK_ATTRIBUTE* attributes, CK_ULONG count, CK_OBJECT_HANDLE* made) {
  return on_token(
      [&](Token& token) { return token.derive(session, mechanism, key, attributes, count, made); });
}
CK_RV destroy_object(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object) {
  return on_token([&](Token& token) { return token.destroy(session, object); });
}

// ---- random

CK_RV seed_random(CK_SESSION_HANDLE session, CK_BYTE*, CK_ULONG) {
  return on_token([&](Token& token) -> CK_RV {
    const CK_RV rv = token.check_session(session);
    return rv == CKR_OK ? CKR_RANDOM_SEED_NOT_SUPPORTED : rv;
  });
}
CK_RV generate_random(CK_SESSION_HANDLE session, CK_BYTE* out, CK_ULONG bytes) {
  return on_token([&](Token& token) { return token.random(session, out, bytes); });
}

// ---- what is not served

template <class... Arguments>
CK_RV not_served(CK_SESSION_HANDLE session, Arguments...) {
  return on_token([&](Token& token) -> CK_RV {
    const CK_RV rv = token.check_session(session);
    return rv == CKR_OK ? CKR_FUNCTION_NOT_SUPPORTED : rv;
  });
}

// ---- the tables

CK_RV get_function_list(CK_FUNCTION_LIST** list);
CK_RV get_interface_list(Interface* list, CK_ULONG* count);
CK_RV get_interface(CK_UTF8CHAR* name, CK_VERSION* version, Interface** found, CK_FLAGS flags);

constexpr CK_FUNCTION_LIST functions(CK_VERSION version, CK_C_GetInfo info) {
  CK_FUNCTION_LIST list{};
  list.version = version;
  list.C_Initialize = initialize;
  list.C_Finalize = finalize;
  list.C_GetInfo = info;
  list.C_GetFunctionList = get_function_list;
  list.C_GetSlotList = get_slot_list;
  list.C_GetSlotInfo = get_slot_info;
  list.C_GetTokenInfo = get_token_info;
  list.C_GetMechanismList = get_mechanism_list;
  list.C_GetMechanismInfo = get_mechanism_info;
  list.C_InitToken = init_token;
  list.C_InitPIN = not_served;
  list.C_SetPIN = not_served;
  list.C_OpenSession = open_session;
  list.C_CloseSession = close_session;
  list.C_CloseAllSessions = close_all_sessions;
  list.C_GetSessionInfo = get_session_info;
  list.C_GetOperationState = not_served;
  list.C_SetOperationState = not_served;
  list.C_Login = login;
  list.C_Logout = logout;
  list.C_CreateObject = not_served;
  list.C_CopyObject = not_served;
  list.C_DestroyObject = destroy_object;
  list.C_GetObjectSize = not_served;
  list.C_GetAttributeValue = get_attribute_value;
  list.C_SetAttributeValue = not_served;
  list.C_FindObjectsInit = find_objects_init;
  list.C_FindObjects = find_objects;
  list.C_FindObjectsFinal = find_objects_final;
  list.C_EncryptInit = encrypt_init;
  list.C_Encrypt = encrypt;
  list.C_EncryptUpdate = encrypt_update;
  list.C_EncryptFinal = encrypt_final;
  list.C_DecryptInit = decrypt_init;
  list.C_Decrypt = decrypt;
  list.C_DecryptUpdate = decrypt_update;
  list.C_DecryptFinal = decrypt_final;
  list.C_DigestInit = not_served;
  list.C_Digest = not_served;
  list.C_DigestUpdate = not_served;
  list.C_DigestKey = not_served;
  list.C_DigestFinal = not_served;
  list.C_SignInit = sign_init;
  list.C_Sign = sign;
  list.C_SignUpdate = sign_update;
  list.C_SignFinal = sign_final;
  list.C_SignRecoverInit = not_served;
  list.C_SignRecover = not_served;
  list.C_VerifyInit = verify_init;
  list.C_Verify = verify;
  list.C_VerifyUpdate = verify_update;
  list.C_VerifyFinal = verify_final;
  list.C_VerifyRecoverInit = not_served;
  list.C_VerifyRecover = not_served;
  list.C_DigestEncryptUpdate = not_served;
  list.C_DecryptDigestUpdate = not_served;
  list.C_SignEncryptUpdate = not_served;
  list.C_DecryptVerifyUpdate = not_served;
  list.C_GenerateKey = not_served;
  list.C_GenerateKeyPair = not_served;
  list.C_WrapKey = not_served;
  list.C_UnwrapKey = not_served;
  list.C_DeriveKey = derive_key;
  list.C_SeedRandom = seed_random;
  list.C_GenerateRandom = generate_random;
  list.C_GetFunctionStatus = legacy_parallel;
  list.C_CancelFunction = legacy_parallel;
  list.C_WaitForSlotEvent = wait_for_slot_event;
  return list;
}

constexpr FunctionList3 functions_of_3() {
  FunctionList3 list{};
  list.base = functions({3, 0}, get_info<3, 0>);
  list.C_GetInterfaceList = get_interface_list;
  list.C_GetInterface = get_interface;
  list.C_LoginUser = login_user;
  list.C_SessionCancel = session_cancel;
  list.C_MessageEncryptInit = not_served;
  list.C_EncryptMessage = not_served;
  list.C_EncryptMessageBegin = not_served;
  list.C_EncryptMessageNext = not_served;
  list.C_MessageEncryptFinal = not_served;
  list.C_MessageDecryptInit = not_served;
  list.C_DecryptMessage = not_served;
  list.C_DecryptMessageBegin = not_served;
  list.C_DecryptMessageNext = not_served;
  list.C_MessageDecryptFinal = not_served;
  list.C_MessageSignInit = not_served;
  list.C_SignMessage = not_served;
  list.C_SignMessageBegin = not_served;
  list.C_SignMessageNext = not_served;
  list.C_MessageSignFinal = not_served;
  list.C_MessageVerifyInit = not_served;
  list.C_VerifyMessage = not_served;
  list.C_VerifyMessageBegin = not_served;
  list.C_VerifyMessageNext = not_served;
  list.C_MessageVerifyFinal = not_served;
  return list;
}

// Callers get them as something that may be changed.
constinit CK_FUNCTION_LIST functions_2_40 = functions({2, 40}, get_info<2, 40>);
constinit FunctionList3 functions_3_0 = functions_of_3();
CK_UTF8CHAR interface_name[] = "PKCS 11";
Interface interfaces[] = {{interface_name, &functions_3_0, 0},
                          {interface_name, &functions_2_40, 0}};

CK_RV get_function_list(CK_FUNCTION_LIST** list) {
  if (!list) return CKR_ARGUMENTS_BAD;
  *list = &functions_2_40;
  return CKR_OK;
}

CK_RV get_interface_list(Interface* list, CK_ULONG* count) {
  if (!count) return CKR_ARGUMENTS_BAD;
  const CK_ULONG room = *count;
  *count = std::size(interfaces);
  if (!list) return CKR_OK;
  if (room < *count) return CKR_BUFFER_TOO_SMALL;
  std::ranges::copy(interfaces, list);
  return CKR_OK;
}

CK_RV get_interface(CK_UTF8CHAR* name, CK_VERSION* version, Interface** found, CK_FLAGS flags) {
  if (!found) return CKR_ARGUMENTS_BAD;
  for (Interface& offered : interfaces) {
    const CK_VERSION& its = *static_cast<const CK_VERSION*>(offered.functions);
    const bool is_named = !name || std::strcmp(reinterpret_cast<const char*>(name),
                                               reinterpret_cast<const char*>(offered.name)) == 0;
    const bool fits = !version || (version->major == its.major && version->minor == its.minor);
    if (!is_named || !fits || (flags & ~offered.flags) != 0) continue;
    *found = &offered;
    return CKR_OK;
  }
  return CKR_FUNCTION_FAILED;
}

}  // namespace
}  // namespace nae::pkcs11

extern "C" {
CK_RV C_GetFunctionList(CK_FUNCTION_LIST** list) {
  return nae::pkcs11::get_function_list(list);
}
CK_RV C_GetInterfaceList(nae::pkcs11::Interface* list, CK_ULONG* count) {
  return nae::pkcs11::get_interface_list(list, count);
}
CK_RV C_GetInterface(CK_UTF8CHAR* name, CK_VERSION* version, nae::pkcs11::Interface** found,
                     CK_FLAGS flags) {
  return nae::pkcs11::get_interface(name, version, found, flags);
}
}

#include "pkcs11/token.hpp"

#include <algorithm>
#include <cstring>

#include "libnae/base/version.hpp"
#include "pkcs11/attribute.hpp"
#include "pkcs11/return_value.hpp"

namespace nae::pkcs11 {
namespace {

constexpr std::size_t kMaxUserTokenBytes = 65'535;

// Fields of PKCS#11 are padded with blanks and end without a zero.
template <std::size_t N>
void put(CK_UTF8CHAR (&field)[N], std::string_view text) {
  std::memset(field, ' ', N);
  std::memcpy(field, text.data(), std::min(N, text.size()));
}

bool is_base64url(Byte c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

// RFC 7515 section 7.1: three parts, the first a JSON object, which begins `{"` and so `eyJ`.
bool is_compact_jws(ByteView pin) {
  return pin.size() <= kMaxUserTokenBytes && as_text(pin).starts_with("eyJ") &&
         std::ranges::count(pin, Byte{'.'}) == 2 &&
         std::ranges::all_of(pin, [](Byte c) { return c == '.' || is_base64url(c); });
}

}  // namespace

CK_RV Token::slot_info(CK_SLOT_ID slot, CK_SLOT_INFO* info) {
  if (slot != kSlot) return CKR_SLOT_ID_INVALID;
  if (!info) return CKR_ARGUMENTS_BAD;
  *info = {};
  put(info->slotDescription, "NAE key server by nae-agent");
  put(info->manufacturerID, "NAE");
  info->flags = CKF_TOKEN_PRESENT;
  return CKR_OK;
}

CK_RV Token::token_info(CK_SLOT_ID slot, CK_TOKEN_INFO* info) {
  if (slot != kSlot) return CKR_SLOT_ID_INVALID;
  if (!info) return CKR_ARGUMENTS_BAD;
  std::size_t sessions = 0, writers = 0;
  {
    std::lock_guard guard(lock_);
    sessions = sessions_.size();
    writers = static_cast<std::size_t>(
        std::ranges::count_if(sessions_, [](const auto& entry) { return entry.second.may_write; }));
  }
  *info = {};
  put(info->label, settings_.token_label);
  put(info->manufacturerID, "NAE");
  put(info->model, "nae-keyserver");
  put(info->serialNumber, "1");
  info->flags = CKF_RNG | CKF_TOKEN_INITIALIZED | CKF_USER_PIN_INITIALIZED | CKF_WRITE_PROTECTED;
  info->ulMaxSessionCount = CK_EFFECTIVELY_INFINITE;
  info->ulSessionCount = sessions;
  info->ulMaxRwSessionCount = CK_EFFECTIVELY_INFINITE;
  info->ulRwSessionCount = writers;
  info->ulMaxPinLen = kMaxUserTokenBytes;
  info->ulTotalPublicMemory = info->ulFreePublicMemory = CK_UNAVAILABLE_INFORMATION;
  info->ulTotalPrivateMemory = info->ulFreePrivateMemory = CK_UNAVAILABLE_INFORMATION;
  std::memset(info->utcTime, '0', sizeof info->utcTime);
  return CKR_OK;
}

Session* Token::find(CK_SESSION_HANDLE handle) {
  const auto found = sessions_.find(handle);
  return found == sessions_.end() ? nullptr : &found->second;
}

CK_RV Token::open_session(CK_SLOT_ID slot, CK_FLAGS flags, CK_SESSION_HANDLE* handle) {
  if (slot != kSlot) return CKR_SLOT_ID_INVALID;
  if (!(flags & CKF_SERIAL_SESSION)) return CKR_SESSION_PARALLEL_NOT_SUPPORTED;
  if (!handle) return CKR_ARGUMENTS_BAD;
  std::lock_guard guard(lock_);
  // OpenSSH asks to write and does not; nothing can be written in such a session either.
  sessions_[++last_session_].may_write = (flags & CKF_RW_SESSION) != 0;
  *handle = last_session_;
  return CKR_OK;
}

void Token::forget_user() {
  logged_in_ = false;
  std::erase_if(derived_, [](const auto& entry) { return entry.second.is_private; });
  key_server_.act_for({});
}

CK_RV Token::close_session(CK_SESSION_HANDLE handle) {
  std::lock_guard guard(lock_);
  if (sessions_.erase(handle) == 0) return CKR_SESSION_HANDLE_INVALID;
  std::erase_if(derived_, [&](const auto& entry) { return entry.second.session == handle; });
  if (sessions_.empty() && logged_in_) forget_user();
  return CKR_OK;
}

CK_RV Token::close_all_sessions(CK_SLOT_ID slot) {
  if (slot != kSlot) return CKR_SLOT_ID_INVALID;
  std::lock_guard guard(lock_);
  sessions_.clear();
  derived_.clear();
  if (logged_in_) forget_user();
  return CKR_OK;
}

CK_RV Token::check_session(CK_SESSION_HANDLE handle) {
  std::lock_guard guard(lock_);
  return find(handle) ? CKR_OK : CKR_SESSION_HANDLE_INVALID;
}

CK_RV Token::session_info(CK_SESSION_HANDLE handle, CK_SESSION_INFO* info) {
  std::lock_guard guard(lock_);
  const Session* session = find(handle);
  if (!session) return CKR_SESSION_HANDLE_INVALID;
  if (!info) return CKR_ARGUMENTS_BAD;
  *info = {};
  info->slotID = kSlot;
  info->flags = CKF_SERIAL_SESSION | (session->may_write ? CKF_RW_SESSION : 0);
  if (logged_in_)
    info->state = session->may_write ? CKS_RW_USER_FUNCTIONS : CKS_RO_USER_FUNCTIONS;
  else
    info->state = session->may_write ? CKS_RW_PUBLIC_SESSION : CKS_RO_PUBLIC_SESSION;
  return CKR_OK;
}

CK_RV Token::cancel(CK_SESSION_HANDLE handle, CK_FLAGS flags) {
  std::lock_guard guard(lock_);
  Session* session = find(handle);
  if (!session) return CKR_SESSION_HANDLE_INVALID;
  if (flags & CKF_SIGN) session->signing.reset();
  if (flags & CKF_VERIFY) session->verifying.reset();
  if (flags & CKF_ENCRYPT) session->encrypting.reset();
  if (flags & CKF_DECRYPT) session->decrypting.reset();
  if (flags & kCancelsFind) session->search.reset();
  return CKR_OK;
}

CK_RV Token::login(CK_SESSION_HANDLE handle, CK_USER_TYPE type, ByteView pin) {
  {
    std::lock_guard guard(lock_);
    if (!find(handle)) return CKR_SESSION_HANDLE_INVALID;
    if (!pin.data() && !pin.empty()) return CKR_ARGUMENTS_BAD;
    // No key has CKA_ALWAYS_AUTHENTICATE, and nobody administers a key server here.
    if (type == CKU_CONTEXT_SPECIFIC) return CKR_OPERATION_NOT_INITIALIZED;
    if (type != CKU_USER) return CKR_USER_TYPE_INVALID;
    if (logged_in_) return CKR_USER_ALREADY_LOGGED_IN;
    if (!is_compact_jws(pin)) {
      logged_in_ = true;
      return CKR_OK;
    }
  }
  Bytes user_token(pin.begin(), pin.end());
  const auto accepted = key_server_.check_user(user_token);
  if (!accepted)
    return accepted.error().code == Code::user_token_rejected ? CKR_PIN_INCORRECT
                                                              : return_value(accepted.error().code);
  std::lock_guard guard(lock_);
  // Other threads have gone on meanwhile.
  if (!find(handle)) return CKR_SESSION_HANDLE_INVALID;
  if (logged_in_) return CKR_USER_ALREADY_LOGGED_IN;
  key_server_.act_for(std::move(user_token));
  logged_in_ = true;
  return CKR_OK;
}

CK_RV Token::logout(CK_SESSION_HANDLE handle) {
  std::lock_guard guard(lock_);
  if (!find(handle)) return CKR_SESSION_HANDLE_INVALID;
  if (!logged_in_) return CKR_USER_NOT_LOGGED_IN;
  forget_user();
  return CKR_OK;
}

CK_RV Token::begin_search(CK_SESSION_HANDLE handle, const CK_ATTRIBUTE* attributes,
                          CK_ULONG count) {
  {
    std::lock_guard guard(lock_);
    const Session* session = find(handle);
    if (!session) return CKR_SESSION_HANDLE_INVALID;
    if (session->search) return CKR_OPERATION_ACTIVE;
  }
  if (!attributes && count != 0) return CKR_ARGUMENTS_BAD;
  for (CK_ULONG i = 0; i < count; ++i)
    if (!attributes[i].pValue && attributes[i].ulValueLen != 0) return CKR_ARGUMENTS_BAD;
  const auto listed = key_server_.objects();
  if (!listed) return return_value(listed.error().code);
  Search search;
  for (const Object& object : (*listed)->objects())
    if (matches(object, attributes, count)) search.found.push_back(object.handle);
  std::lock_guard guard(lock_);
  Session* session = find(handle);
  if (!session) return CKR_SESSION_HANDLE_INVALID;
  if (session->search) return CKR_OPERATION_ACTIVE;
  for (const auto& [each, secret] : derived_)
    if (matches(secret, attributes, count)) search.found.push_back(each);
  session->search = std::move(search);
  return CKR_OK;
}

CK_RV Token::search(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE* found, CK_ULONG most,
                    CK_ULONG* count) {
  std::lock_guard guard(lock_);
  Session* session = find(handle);
  if (!session) return CKR_SESSION_HANDLE_INVALID;
  if (!session->search) return CKR_OPERATION_NOT_INITIALIZED;
  if (!count || (!found && most != 0)) return CKR_ARGUMENTS_BAD;
  Search& search = *session->search;
  *count = std::min<CK_ULONG>(most, search.found.size() - search.told);
  std::copy_n(search.found.begin() + static_cast<std::ptrdiff_t>(search.told), *count, found);
  search.told += *count;
  return CKR_OK;
}

CK_RV Token::end_search(CK_SESSION_HANDLE handle) {
  std::lock_guard guard(lock_);
  Session* session = find(handle);
  if (!session) return CKR_SESSION_HANDLE_INVALID;
  if (!session->search) return CKR_OPERATION_NOT_INITIALIZED;
  session->search.reset();
  return CKR_OK;
}

CK_RV Token::attributes(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object_handle,
                        CK_ATTRIBUTE* attributes, CK_ULONG count) {
  if (const CK_RV rv = check_session(handle); rv != CKR_OK) return rv;
  if (!attributes && count != 0) return CKR_ARGUMENTS_BAD;
  {
    std::lock_guard guard(lock_);
    if (const auto found = derived_.find(object_handle); found != derived_.end())
      return read_attributes(found->second, attributes, count);
  }
  Object object;
  if (const CK_RV rv = object_of(object_handle, CKR_OBJECT_HANDLE_INVALID, object); rv != CKR_OK)
    return rv;
  return read_attributes(object, attributes, count);
}

}  // namespace nae::pkcs11

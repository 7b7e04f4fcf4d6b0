// Tokens and sessions: finding a token by its label, one logged-in session on it.
#pragma once

#include <p11-kit/pkcs11.h>

#include <memory>
#include <optional>
#include <string>

#include "libnae/base/result.hpp"
#include "libnae/crypto/secret.hpp"
#include "libnae/pkcs11/attributes.hpp"
#include "libnae/pkcs11/module.hpp"

namespace nae::pkcs11 {

inline constexpr std::size_t kTokenLabelBytes = 32;  // PKCS#11 2.40 section 3.2, blank padded

// `bytes` as PKCS#11 takes its inputs: the C header lacks const, and modules refuse a null pointer
// even for no bytes.
inline CK_BYTE* input_pointer(ByteView bytes) {
  static Byte nothing = 0;
  return bytes.empty() ? &nothing : const_cast<CK_BYTE*>(bytes.data());
}

// Code::hsm_token_missing when no token has the label, Code::conflict when several have.
Result<CK_SLOT_ID> find_token(const Module& module, const std::string& label);
// A slot whose token was never initialised.
Result<CK_SLOT_ID> find_free_slot(const Module& module);

// The 32 bytes that stand for `label`; Code::config_invalid when it is empty or longer.
Result<Bytes> padded_label(const std::string& label);

class Session {
 public:
  // Opens a read-write session and logs in as the user. `module` outlives it. One attempt:
  // Code::hsm_pin_rejected must not be followed by another with the same PIN.
  static Result<std::unique_ptr<Session>> open(const Module& module, CK_SLOT_ID slot,
                                               const crypto::SecretBytes& pin);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  const CK_FUNCTION_LIST& calls() const { return calls_; }
  CK_SESSION_HANDLE handle() const { return handle_; }
  CK_SLOT_ID slot() const { return slot_; }
  // AES-KWP (RFC 5649) as this token calls it.
  CK_MECHANISM_TYPE key_wrap_mechanism() const { return key_wrap_; }
  // A group key that a server before us allowed one name of it only keeps that.
  void use_key_wrap_of(CK_OBJECT_HANDLE group_key);
  Result<void> check_logged_in() const;

  // The object of this class and label; nothing when there is none. Code::conflict when there are
  // several: which one to use would be chance.
  Result<std::optional<CK_OBJECT_HANDLE>> find(CK_OBJECT_CLASS object_class,
                                               const std::string& label) const;
  Result<Bytes> read_attribute(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) const;
  Result<void> destroy(CK_OBJECT_HANDLE object) const;
  // The object of this template serves these mechanisms and no other, whoever asks: the PIN's
  // holder too. Modules that do not know the attribute (PKCS#11 2.40 section 4.8) go without.
  Attributes& allow_only(Attributes& object,
                         const std::vector<CK_MECHANISM_TYPE>& mechanisms) const;
  // From the module, mixed with fresh_random(): a module that is software draws the same in two
  // copies of its process.
  Result<void> random(ByteSpan out) const;
  // Adds to what the module makes keys from, for the same reason. Modules of devices need not take
  // it.
  Result<void> seed() const;
  // Signs in one part; `mechanism`'s result as the module gives it.
  Result<Bytes> sign(CK_MECHANISM mechanism, CK_OBJECT_HANDLE key, ByteView data) const;

 private:
  Session(const CK_FUNCTION_LIST& calls, CK_SLOT_ID slot, CK_SESSION_HANDLE handle);
  // Of a trial object that may not do it: NSS takes the attribute, goes on as if it were not there,
  // and keeps no token object that has it.
  bool knows_allowed_mechanisms() const;
  bool encrypts_a_block(CK_OBJECT_HANDLE key) const;  // under CKM_AES_ECB

  const CK_FUNCTION_LIST& calls_;
  CK_SLOT_ID slot_;
  CK_SESSION_HANDLE handle_;
  CK_MECHANISM_TYPE key_wrap_;
  mutable std::optional<bool> knows_allowed_mechanisms_;  // asked once
};

// A session object made on the way to something else; destroyed when it goes out of scope.
class TemporaryObject {
 public:
  TemporaryObject(const Session& session, CK_OBJECT_HANDLE object)
      : session_(session), object_(object) {}
  ~TemporaryObject() { (void)session_.destroy(object_); }
  TemporaryObject(const TemporaryObject&) = delete;
  TemporaryObject& operator=(const TemporaryObject&) = delete;

 private:
  const Session& session_;
  CK_OBJECT_HANDLE object_;
};

}  // namespace nae::pkcs11

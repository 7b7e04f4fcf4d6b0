// For tests: an object that a token does not give up.
#pragma once

#include "keyserver/hsm/session.hpp"

namespace nae::hsm {

// Puts an object on the token that cannot be destroyed (CKA_DESTROYABLE; SoftHSM has it, NSS has
// not). False when it was not made.
inline bool put_lasting_object(const Session& session, const std::string& label, ByteView id) {
  const Byte value[32] = {};
  Attributes object;
  object.number(CKA_CLASS, CKO_SECRET_KEY)
      .number(CKA_KEY_TYPE, CKK_GENERIC_SECRET)
      .flag(CKA_TOKEN, true)
      .flag(CKA_PRIVATE, true)
      .flag(CKA_DESTROYABLE, false)
      .text(CKA_LABEL, label)
      .bytes(CKA_ID, id)
      .bytes(CKA_VALUE, value);
  CK_OBJECT_HANDLE made = 0;
  return session.calls().C_CreateObject(session.handle(), object.data(), object.size(), &made) ==
         CKR_OK;
}

}  // namespace nae::hsm

// The token's keys that tie secrets to their rows of the store, and rows to its ledger:
// docs/spec/keys.md, "Binding"; docs/spec/ledger.md.
#pragma once

#include <p11-kit/pkcs11.h>

#include <string>

#include "keyserver/hsm/session.hpp"

namespace nae::hsm {

inline constexpr std::size_t kObjectIdBytes = 16;  // CKA_ID of what the key server makes

std::string check_key_label(const std::string& group_key_label);
std::string ledger_key_label(const std::string& group_key_label);

// Computes HMACs and does nothing else; a token object.
Result<CK_OBJECT_HANDLE> create_check_key(const Session& session, const std::string& label);

// HMAC-SHA-256 of `data` under what the group key has wrapped, whatever type of secret it is.
// Code::store_corrupt when the group key does not open it.
Result<Bytes> hmac_under_secret(const Session& session, CK_OBJECT_HANDLE group_key,
                                ByteView wrapped, ByteView data);

}  // namespace nae::hsm

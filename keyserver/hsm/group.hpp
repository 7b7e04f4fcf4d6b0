// A group's keys on their way to a token: made in the HSM and wrapped for custody, or brought back
// from custody. docs/spec/custody.md.
#pragma once

#include <string>
#include <vector>

#include "libnae/crypto/secret.hpp"
#include "libnae/custody/custody_set.hpp"

namespace nae::pkcs11 {
class Session;
}

namespace nae::hsm {

// The objects of a group on a token, in the order in which they are made.
inline constexpr custody::Kept kGroupKinds[] = {
    custody::Kept::group_key, custody::Kept::check_key, custody::Kept::authority,
    custody::Kept::audit,     custody::Kept::binding,   custody::Kept::ledger_key};
std::string label_of(custody::Kept kind, const std::string& group_key_label);
// CKA_ID: the group's for the group key, and another for each kind that follows from it. NSS lets
// one key of an id take the place of another.
Bytes object_id(custody::Kept kind, const custody::GroupId& group);

struct WrappedGroup {
  custody::GroupId group{};
  std::uint32_t generation = 1;
  crypto::SecretBytes secret;  // the custody secret: to be shared out and wiped
  std::vector<custody::KeptKey> kept;
  crypto::Sha256Digest check{};
};

// Draws a custody secret, makes every key as an extractable object of the session, wraps it, and
// unwraps what was wrapped as a token object that is not extractable. What was made before a
// failure is destroyed.
Result<WrappedGroup> make_group(const pkcs11::Session& session, const std::string& group_key_label,
                                const custody::GroupId& group);

// Unwraps what is kept onto the token, with the group's id. Code::authentication_failed when the
// secret does not open it, or the group key is not the one that `check` is of; then nothing stays.
Result<WrappedGroup> bring_back_group(const pkcs11::Session& session,
                                      const std::string& group_key_label,
                                      const WrappedGroup& wrapped);

// The same keys under a custody secret that is drawn for the next generation: inside the HSM, where
// they are objects of the session for the moment, and extractable. The SO PIN is no object, and is
// left out. Code::conflict when the token holds another group than `wrapped`;
// Code::authentication_failed when its secret does not open it.
Result<WrappedGroup> rewrap_group(const pkcs11::Session& session,
                                  const std::string& group_key_label, const WrappedGroup& wrapped);

}  // namespace nae::hsm

// What `nae-keyserver init` does on a token: the token itself where there is none yet, the group
// key and the server's own key pairs.
#pragma once

#include <optional>

#include "keyserver/hsm/pkcs11_hsm.hpp"

namespace nae::hsm {

struct Provision {
  Options hsm;
  // Security officer's PIN. With it a token that does not exist is initialised in the first free
  // slot; without it a missing token is Code::hsm_token_missing.
  std::optional<std::filesystem::path> so_pin_file;
};

struct Provisioned {
  bool token_created = false;
  Bytes group_key_id;  // CKA_ID, 16 random bytes
};

// Code::already_initialised when the token holds one of the labels; nothing is changed then. What
// was made before a failure is removed again, the token itself excepted.
Result<Provisioned> initialise(const Provision& provision);

// Takes back what initialise() has made, for a caller whose own work then failed. The token stays.
Result<void> remove_keys(const Options& options);

}  // namespace nae::hsm

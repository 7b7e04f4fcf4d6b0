// What `nae-keyserver init` and `restore` do on a token: the token itself where there is none yet,
// and the group's keys, made or brought back from custody.
#pragma once

#include <functional>
#include <optional>

#include "keyserver/hsm/group.hpp"
#include "keyserver/hsm/pkcs11_hsm.hpp"

namespace nae::hsm {

struct Provision {
  Options hsm;
  // Security officer's PIN. With it a token that does not exist is initialised in the first free
  // slot; without it a missing token is Code::hsm_token_missing.
  std::optional<std::filesystem::path> so_pin_file;
  crypto::SecretBytes so_pin{};  // from custody, in place of a file's; empty: there is none
  custody::GroupId group{};      // CKA_ID of every object; 16 random bytes
  const WrappedGroup* brought_back = nullptr;  // these keys, in place of new ones
  // Called when it is certain that the token holds none of the labels, before the first object.
  std::function<Result<void>()> about_to_make{};
};

struct Provisioned {
  bool token_created = false;
  WrappedGroup group;
};

// Code::already_initialised when the token holds one of the labels; nothing is changed then. What
// was made before a failure is removed again, the token itself excepted.
Result<Provisioned> initialise(const Provision& provision);

// rewrap_group() on the token of `options`.
Result<WrappedGroup> change_custody(const Options& options, const WrappedGroup& wrapped);

// Takes back what initialise() has made, for a caller whose own work then failed. The token stays.
Result<void> remove_keys(const Options& options);
// The same for what was made under this id alone, by a run that was interrupted.
Result<void> remove_group(const Options& options, const custody::GroupId& group);

}  // namespace nae::hsm

// Which token a store belongs to. Its keys are wrapped under that token's group key, and another
// token may hold a group key of the same label: then nothing could be opened, and new keys and
// audit heads would be made with the wrong one.
#pragma once

#include "keyserver/keys/hsm.hpp"
#include "keyserver/store/meta.hpp"
#include "libnae/base/result.hpp"

namespace nae::setup {

Result<void> bind_to_token(store::Meta& store, keys::Hsm& hsm);

// Code::group_key_missing when the store was bound to another token, Code::store_corrupt when to
// none.
Result<void> check_token(store::Meta& store, keys::Hsm& hsm);

}  // namespace nae::setup

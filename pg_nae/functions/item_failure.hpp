// The error of one item, in words: the server answers an item with a number only.
#pragma once

#include "pg_nae/functions/crypto_call.hpp"

namespace nae::functions {

// `item` gives the id of the key for values that name it themselves; it is never quoted.
[[noreturn]] void raise_item_failure(std::uint16_t status, const CryptoCall& call, ByteView item,
                                     std::uint64_t place);

}  // namespace nae::functions

// The error of one item, in words: the server answers an item with a number only.
#pragma once

#include "pg_nae/functions/crypto_call.hpp"

namespace nae::functions {

// `place`: 1-based, of several items; 0: of one.
[[noreturn]] void raise_item_failure(std::uint16_t status, const CryptoCall& call,
                                     std::uint64_t place);

}  // namespace nae::functions

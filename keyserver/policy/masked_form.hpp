// Masked forms that come back: a client that read a masked value may write the row again.
#pragma once

#include <span>

#include "keyserver/policy/mask.hpp"

namespace nae::policy {

// Could `value` be what one of `masks` made of a value, with a part of it hidden? Every such form
// is found. What was not changed by its mask is not: writing it back loses nothing.
bool is_masked_form(std::span<const Mask> masks, ByteView value);

}  // namespace nae::policy

// nae.user_token: the token of the end user, as the session has set it. The key server verifies it;
// here it is a secret to carry.
#pragma once

#include <array>
#include <string_view>

#include "libnae/base/bytes.hpp"

namespace nae::pg {

void define_user_token();

// Before the two below are used: raises Code::user_token_rejected when something was set that is no
// token, in a way in which the setting could not refuse it.
void require_usable_user_token();

// Empty when none is set. The view lives until the setting changes.
std::string_view current_user_token();

// SHA-256 of it, zeros when none is set: tells users apart where no copy of a token should stay.
const std::array<Byte, 32>& current_user_digest();

}  // namespace nae::pg

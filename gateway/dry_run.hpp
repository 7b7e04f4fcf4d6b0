// What routes would do with requests that are on standard input, without a key server.
#pragma once

#include <iosfwd>
#include <string_view>

#include "gateway/inspection/route.hpp"

namespace nae::gateway {

// Writes the one request of `text` as it would be forwarded, `nae1:` and the field's name in place
// of each ciphertext, or why it is refused. False when it is refused.
bool print_rewritten(std::string_view text, const RouteTable& routes, std::ostream& out);

// Writes which fields of the requests of `text`, one behind the other, look sensitive and are not
// covered: path, field, why and how often; no value. False when there are any, or when a request
// cannot be read.
bool print_uncovered(std::string_view text, const RouteTable& routes, std::ostream& out);

}  // namespace nae::gateway

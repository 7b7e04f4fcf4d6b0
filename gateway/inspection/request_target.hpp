// The target of a request (RFC 9112 section 3.2) as routes see it. An application may read a path
// more leniently than it is written; what is compared with routes is what the most lenient reader
// makes of it, so that no spelling of a claimed path goes by.
#pragma once

#include <string>
#include <string_view>

#include "gateway/inspection/refusal.hpp"

namespace nae::gateway {

struct RequestTarget {
  std::string path;        // for comparing: decoded, ASCII letters in lower case, no parameters
                           // behind ';', no '/' at its end
  std::string literal;     // the same with its parameters and the '/' at its end: readers that know
                           // neither compare this
  std::string_view query;  // as written, without '?'
  std::size_t query_begin = 0;
};

// Origin form alone, and "*". Status 400: target_form; path_malformed for control characters, '\',
// a '%' without digits; path_ambiguous for dot segments, empty ones, an encoded '/', '\' or '%'.
Understood<RequestTarget> parse_target(std::string_view target);

}  // namespace nae::gateway

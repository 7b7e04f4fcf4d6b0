// Refusal: why a request is not forwarded. It is the whole answer to the client, so that it names
// the reason and never a value.
#pragma once

#include <string>
#include <string_view>

#include "libnae/base/result.hpp"

namespace nae::gateway {

struct Refusal {
  unsigned status = 400;       // of HTTP (RFC 9110)
  std::string_view name;       // snake_case: in the answer, in the log and as a metric's label
  std::string message;         // for people; no value of the request
  unsigned retry_after_s = 0;  // 0: trying again does not help
};

template <class T = void>
using Understood = tl::expected<T, Refusal>;

inline tl::unexpected<Refusal> refuse(unsigned status, std::string_view name, std::string message) {
  return tl::unexpected<Refusal>(Refusal{status, name, std::move(message), 0});
}

}  // namespace nae::gateway

// NAE_UNDERSTAND(expression): leaves the function with the refusal of a failed Understood<void>.
#define NAE_UNDERSTAND(expression)                                                 \
  do {                                                                             \
    auto nae_understood = (expression);                                            \
    if (!nae_understood) return tl::unexpected(std::move(nae_understood).error()); \
  } while (0)

// Content types of bodies and of their parts.
#pragma once

#include <string_view>

#include "gateway/inspection/refusal.hpp"

namespace nae::gateway {

std::string_view trimmed(std::string_view text);  // of blanks and tabs at its ends

struct ContentType {
  std::string_view essence;     // "text/plain", as written
  std::string_view parameters;  // from the first ';' on
};
ContentType split_content_type(std::string_view value);

// Status 415: charset_unsupported where one is named that is not UTF-8, or two; and
// content_type_unexpected for what may hide one from some readers. With `boundary`: also unless
// there is one boundary (RFC 2046 section 5.1.1) of letters, digits, '-', '_' and '.', which it is
// set to.
Understood<void> check_parameters(std::string_view parameters,
                                  std::string_view* boundary = nullptr);

}  // namespace nae::gateway

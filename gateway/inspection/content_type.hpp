// Content types of bodies and of their parts.
#pragma once

#include <cstdint>
#include <string_view>

#include "gateway/inspection/refusal.hpp"

namespace nae::gateway {

std::string_view trimmed(std::string_view text);  // of blanks and tabs at its ends

struct ContentType {
  std::string_view essence;     // "text/plain", as written
  std::string_view parameters;  // from the first ';' on
};
ContentType split_content_type(std::string_view value);

// Which parameters a type may have beside a charset: readers look for them in ways of their own.
enum class Parameters : std::uint8_t {
  any,      // but none that may hide a charset or a boundary
  of_form,  // none but the boundary; charset UTF-8
  of_file   // none, and whatever charset
};

// Status 415: charset_unsupported where one is named that is not UTF-8, or two; and
// content_type_unexpected for other parameters than those. With `boundary`: also unless there is
// one boundary (RFC 2046 section 5.1.1) of letters, digits, '-', '_' and '.', which it is set to.
Understood<void> check_parameters(std::string_view parameters, Parameters allowed,
                                  std::string_view* boundary = nullptr);

// A type and a subtype, each a token of RFC 9110 section 5.6.2.
bool is_media_type(std::string_view type);

}  // namespace nae::gateway

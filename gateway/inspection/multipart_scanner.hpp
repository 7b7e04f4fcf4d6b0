// Reads bodies of multipart/form-data (RFC 7578) and says where the value of each part stands.
// Where readers differ it refuses: no text before or behind the parts, no boundary within one,
// lines that end with CR LF, names in quotes without escapes, no encodings, no parts of parts.
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

#include "gateway/inspection/refusal.hpp"

namespace nae::gateway {

struct FormPart {
  std::string_view name;           // UTF-8, as written
  bool is_file = false;            // it has a file's name,
  bool has_no_file_name = false;   // which is empty: none was chosen
  bool is_text = false;            // no type, or text/plain; its bytes are not looked at
  std::size_t begin = 0, end = 0;  // of its content, in the body
};
using PartVisitor = std::function<Understood<void>(const FormPart&)>;

// `boundary`: of check_parameters(). Status 400 with multipart_malformed, multipart_nested,
// part_encoding or form_encoding; 415 charset_unsupported for a part that is no file and in another
// charset.
Understood<void> scan_multipart(std::string_view body, std::string_view boundary,
                                const PartVisitor& visit);

}  // namespace nae::gateway

// Hexadecimal, UTF-8 and glob matching: the text forms that several parts share.
#pragma once

#include <string>
#include <string_view>

#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"

namespace nae {

// Lower-case hexadecimal, two digits a byte.
std::string to_hex(ByteView bytes);

// The bytes of an even number of hexadecimal digits, either case; Code::invalid_argument otherwise.
Result<Bytes> from_hex(std::string_view text);

// True when `text` is well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms, at most
// U+10FFFF).
bool is_utf8(std::string_view text);

// Shell-style match of the whole text: '*' any run, '?' any one byte; no escapes, no classes.
// Linear memory, worst case |pattern|·|text|: patterns come from administrators, not callers.
bool glob_match(std::string_view pattern, std::string_view text);

// A name of a key, device, program, rule or admin: 1 to 128 of [A-Za-z0-9._-], starting with a
// letter or digit. Names stand in logs, file names and certificates, hence the narrow alphabet.
bool is_name(std::string_view text);

}  // namespace nae

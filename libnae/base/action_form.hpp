// The forms of actions that are asked for in more than one.
#pragma once

#include <cstdint>

namespace nae {

// Values travel on the wire.

// A search token is the envelope that the value would be encrypted to by a deterministic key, for
// comparing with stored ones: it serves readers too, and is not held back as a written value is.
enum class EncryptForm : std::uint8_t { value = 0, search_token = 1 };
// A blind index is 16 bytes that name nothing. Its successor names format and key version, and
// comes in two forms: what is to be stored asks as a writer, what is searched for as a reader.
enum class MacForm : std::uint8_t {
  code = 0,
  blind_index = 1,
  blind_index_code = 2,
  blind_index_search = 3,
};
// Codes of a search index that are to be stored ask as a writer, those that are searched for as a
// reader.
enum class SearchForm : std::uint8_t { stored = 0, searched = 1 };

inline constexpr std::uint32_t kMaxRandomBytes = 1024;  // of one item of random

}  // namespace nae

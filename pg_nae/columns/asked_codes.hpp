// AskedCodes: the codes of one value, or of what is looked for, of the key server: a request each.
#pragma once

#include "libnae/base/action_form.hpp"
#include "pg_nae/columns/search_input.hpp"
#include "pg_nae/connection/failure.hpp"

namespace nae::columns {

// An int4[] of what was answered, in the memory of the current context.
Datum codes_of(ByteView answered, std::uint32_t mark);
// The mark of what codes are computed of. Raises where it is not laid out so.
std::uint32_t mark_of_input(std::string_view key, ByteView input);

// Codes to be stored. Raises what the key server says.
Datum ask_stored_codes(std::string_view key, ByteView input);
// Codes to look for, of what search_input() or range_input() made. None where all rows are to be
// looked at: no token is known, or the role may not search.
Datum ask_searched_codes(std::string_view key, const SearchOf& of, SearchInput made,
                         ByteView input);

// What search_input() made nothing of.
[[noreturn]] void raise_unread(SearchInput why, std::string_view declaration);

}  // namespace nae::columns

// Decimal numbers as PostgreSQL's numeric (docs/spec/column.md, type 5).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "libnae/base/bytes.hpp"

namespace nae::gateway {

// Of `-?digits[.digits]` of at most 500 characters; `trimmed`: without zeros at the end of the
// fraction, as deterministic columns have it. Nothing for another text: exponents too.
std::optional<Bytes> numeric_of_decimal(std::string_view text, bool trimmed);

// Nothing for NaN, infinities and what is no canonical form.
std::optional<std::string> decimal_of_numeric(ByteView bytes);

}  // namespace nae::gateway

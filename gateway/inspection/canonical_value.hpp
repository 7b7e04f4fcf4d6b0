// What a client wrote, as the plaintext of a column's type (docs/spec/column.md, "The plaintext").
#pragma once

#include <string_view>

#include "gateway/inspection/json_scanner.hpp"
#include "gateway/inspection/refusal.hpp"
#include "libnae/base/bytes.hpp"
#include "libnae/envelope/plain_type.hpp"

namespace nae::gateway {

// Types that a gateway writes: text, bpchar, int2, int4, int8, numeric, bool, date, uuid, json,
// jsonb.
bool is_written(PlainType type);

// Status 422, value_invalid: `written` is no value of the type, or one that PostgreSQL would write
// otherwise. value_is_ciphertext: it begins like a ciphertext. Forms, queries and headers have
// values of kind string.
Understood<Bytes> canonical_value(PlainType type, bool deterministic, JsonKind kind,
                                  std::string_view written);

// A plaintext as a JSON value, quoted where the type asks for it. Code::envelope_malformed for what
// is no canonical form.
Result<std::string> json_of_canonical(PlainType type, ByteView plaintext);

}  // namespace nae::gateway

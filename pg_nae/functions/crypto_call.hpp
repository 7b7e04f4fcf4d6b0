// CryptoCall: what every cryptographic function does: arguments in, one exchange, results out.
#pragma once

#include "libnae/base/action.hpp"
#include "libnae/wire/crypto_message.hpp"
#include "pg_nae/pg/values.hpp"

namespace nae::functions {

enum class ResultKind : std::uint8_t { bytes, text, boolean };

struct CryptoCall {
  Action action{};
  std::uint8_t algorithm = 0;
  std::string_view key;  // empty where the items name their keys
  pg::Elements items;
  const pg::Elements* seconds = nullptr;  // signatures, codes
  std::span<const ByteView> aad;          // none or one
  ResultKind result = ResultKind::bytes;
};

// The SQL value of one result that succeeded. `place` as in raise().
Datum result_datum(ResultKind kind, wire::ItemResult status, ByteView data,
                   std::uint64_t place = 0);

// Answers the value or the array, or sets fcinfo->isnull.
Datum answer(FunctionCallInfo fcinfo, const CryptoCall& call);

// The first argument as the name of a key. A text that cannot be one is not quoted back: arguments
// get swapped, and then it is the value.
std::string_view key_argument(FunctionCallInfo fcinfo, int position = 0);
// The same for blind and search indexes, whose key may be named with a version: `name:version`.
std::string_view key_reference_argument(FunctionCallInfo fcinfo);

// A name, perhaps with a version of one to five digits; whether there is such a version is the key
// server's to say.
bool is_key_reference(std::string_view text) noexcept;

// The aad argument when the function was called with `position` + 1 arguments. `storage` outlives
// the call.
std::span<const ByteView> aad_argument(FunctionCallInfo fcinfo, int position, ByteView& storage);

}  // namespace nae::functions

// Crypt: values of encrypted columns through the key server, as many as there are in one request.
// The batch node does the same for rows (batch/column_calls.cpp).
#pragma once

#include "libnae/wire/crypto_message.hpp"
#include "pg_nae/columns/decrypted_values.hpp"
#include "pg_nae/columns/value.hpp"

namespace nae::columns {

// The envelope that came back as a column value in `memory` of ciphertext_bytes(). Raises when the
// key is not of the kind that the column's type takes.
Datum sealed(const ColumnKey& key, PlainType type, ByteView envelope, char* memory);

// What the policy lets the role see of a value: the value, a mask of a text, the ciphertext of a
// text or bytea. Raises where the type cannot show it.
Datum opened(PlainType type, wire::ItemResult result, ByteView bytes, ByteView header);

// Pending values, canonical, become ciphertexts.
void encrypt_values(const ColumnKey& key, PlainType type, std::span<const ByteView> plaintexts,
                    Datum* results);
// A value as a column of the key stores it: a pending one encrypted, a ciphertext as it is, which
// raises when it does not belong. `datum` is what `value` was read from.
Datum stored_form(const ColumnKey& key, const Value& value, Datum datum);
// encrypt_values for values that are searched for.
void search_tokens(const ColumnKey& key, PlainType type, std::span<const ByteView> plaintexts,
                   Datum* results);
// Ciphertexts become plain values, or NULL; Code::envelope_foreign for one that is not of the key
// that columns with its tag have. `whole`: what the policy shows otherwise is an error. What is in
// `values` already is not asked for again; nullptr: all is.
void decrypt_values(PlainType type, std::span<const Value> ciphertexts, bool whole, Datum* results,
                    bool* nulls, DecryptedValues* values = nullptr);
// Of one value, pending or not; `whole` and `values` as above. NULL where the policy says so.
Datum plaintext_of(const Value& value, bool whole, bool& is_null,
                   DecryptedValues* values = nullptr);
// Raises unless the policy shows the value itself.
void expect_whole(wire::ItemResult result);
// Under the newest version of its key, which is compared as above.
Datum rewrap_value(const Value& ciphertext);

}  // namespace nae::columns

// Value: a datum of an encrypted type. It is a ciphertext (docs/spec/column.md), or a plaintext
// that is still to be encrypted: pending. Pending values live in memory and in stored expressions,
// never in a row of a table.
#pragma once

#include "pg_nae/columns/column_key.hpp"
#include "pg_nae/columns/plaintext.hpp"

namespace nae::columns {

// Views of the datum, detoasted into the current memory context if need be.
struct Value {
  bool pending = false;
  PlainType type{};
  ByteView plaintext;          // pending: canonical form
  ByteView stored;             // ciphertext: all of it
  ColumnValueView ciphertext;  // ciphertext: its parts
};

// Code::envelope_malformed when it is neither.
Value read_value(Datum datum);
bool try_read_value(ByteView bytes, Value& value) noexcept;
bool is_ciphertext(ByteView bytes) noexcept;

Datum make_pending(PlainType type, ByteView canonical);
// Header and envelope, written to `memory` of ciphertext_bytes(envelope) bytes.
std::size_t ciphertext_bytes(std::size_t envelope_bytes);
char* room_for_ciphertext(std::size_t envelope_bytes);  // in the current memory context
Datum write_ciphertext(char* memory, ByteView header, ByteView envelope);

// "nae1:" and base64. Code::envelope_malformed for a text that begins so and goes on otherwise: it
// must not be taken for a plaintext.
char* ciphertext_in_words(ByteView stored);
bool has_ciphertext_prefix(std::string_view text);
Datum ciphertext_from_words(std::string_view text);

inline constexpr char kKeyTypesHint[] =
    "A deterministic column takes a key of type aes-256-siv, a randomized one a key of type "
    "aes-256-gcm.";

// By what it says itself: a ciphertext of the context, the kind and, of a deterministic column, the
// version. Whether it is of the key the key server says, by the id (key_ids.hpp).
bool belongs(const Value& value, const ColumnKey& key);
// Raises for a ciphertext that does not belong.
void expect_to_belong(const Value& value, const ColumnKey& key);

// Associated data of values with this header, valid as long as the current memory context; the same
// place for the same header where there are few.
ByteView associated_data(ByteView header);

}  // namespace nae::columns

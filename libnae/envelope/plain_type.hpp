// PlainType: the types of plaintext that a column value can hold, by their numbers in the format
// (docs/spec/column.md). The one list of them: what each type needs elsewhere is expanded from it.
#pragma once

#include "libnae/base/bytes.hpp"

namespace nae {

// One row for each: number in the format, enumerator, name in SQL, whether it has a deterministic
// encrypted type. Numbers are never reassigned. Not deterministic are bool, whose two ciphertexts
// would tell all there is; types whose equal values have more than one form (1 day and 24 hours, 0
// and -0); and what nobody compares as a whole. Each has an array type as well.
#define NAE_PLAIN_TYPES(X)                             \
  NAE_PLAIN_TYPE(X, 1, text, text, true)               \
  NAE_PLAIN_TYPE(X, 2, bytea, bytea, true)             \
  NAE_PLAIN_TYPE(X, 3, int4, int4, true)               \
  NAE_PLAIN_TYPE(X, 4, int8, int8, true)               \
  NAE_PLAIN_TYPE(X, 5, numeric, numeric, true)         \
  NAE_PLAIN_TYPE(X, 6, boolean, bool, false)           \
  NAE_PLAIN_TYPE(X, 7, date, date, true)               \
  NAE_PLAIN_TYPE(X, 8, timestamptz, timestamptz, true) \
  NAE_PLAIN_TYPE(X, 9, uuid, uuid, true)               \
  NAE_PLAIN_TYPE(X, 10, jsonb, jsonb, false)           \
  NAE_PLAIN_TYPE(X, 11, timestamp, timestamp, true)    \
  NAE_PLAIN_TYPE(X, 12, time, time, true)              \
  NAE_PLAIN_TYPE(X, 13, interval, interval, false)     \
  NAE_PLAIN_TYPE(X, 14, float4, float4, false)         \
  NAE_PLAIN_TYPE(X, 15, float8, float8, false)         \
  NAE_PLAIN_TYPE(X, 16, json, json, false)             \
  NAE_PLAIN_TYPE(X, 17, inet, inet, true)              \
  NAE_PLAIN_TYPE(X, 18, bpchar, bpchar, true)          \
  NAE_PLAIN_TYPE(X, 19, int2, int2, true)

// The number of an array type is that of its elements with this bit.
#define NAE_ARRAY_BIT 0x40
#define NAE_PLAIN_TYPE(X, number, member, name, deterministic) \
  X(number, member, name, deterministic)                       \
  X(NAE_ARRAY_BIT | (number), member##_array, name##_array, false)

#define NAE_ENUMERATOR(number, member, name, deterministic) member = (number),
enum class PlainType : std::uint8_t { NAE_PLAIN_TYPES(NAE_ENUMERATOR) };
#undef NAE_ENUMERATOR

struct PlainTypeRow {
  PlainType type;
  const char* name;  // "timestamptz", as in nae.enc_timestamptz
  bool deterministic;
};
#define NAE_ROW(number, member, name, deterministic) {PlainType::member, #name, deterministic},
inline constexpr PlainTypeRow kPlainTypes[] = {NAE_PLAIN_TYPES(NAE_ROW)};
#undef NAE_ROW

constexpr bool is_plain_type(Byte number) noexcept {
#define NAE_CASE(number, member, name, deterministic) case (number):
  switch (number) {
    NAE_PLAIN_TYPES(NAE_CASE)
    return true;
    default:
      return false;
  }
#undef NAE_CASE
}

constexpr bool is_array(PlainType type) noexcept {
  return (static_cast<Byte>(type) & NAE_ARRAY_BIT) != 0;
}
constexpr PlainType element_of(PlainType array) noexcept {
  return static_cast<PlainType>(static_cast<Byte>(array) & ~NAE_ARRAY_BIT);
}

// Whose values are texts, so that a mask or the words of a ciphertext can stand in their place.
constexpr bool is_character(PlainType type) noexcept {
  return type == PlainType::text || type == PlainType::bpchar;
}

constexpr const char* plain_name(PlainType type) noexcept {
  for (const PlainTypeRow& row : kPlainTypes)
    if (row.type == type) return row.name;
  return "unknown";
}

// Randomized and deterministic ones.
constexpr std::size_t count_encrypted_types() noexcept {
  std::size_t count = 0;
  for (const PlainTypeRow& row : kPlainTypes) count += row.deterministic ? 2 : 1;
  return count;
}
inline constexpr std::size_t kEncryptedTypes = count_encrypted_types();

}  // namespace nae

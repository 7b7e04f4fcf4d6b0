// PlainType: the types of plaintext that a column value can hold, by their numbers in the format
// (docs/spec/column.md). The one list of them: what each type needs elsewhere is expanded from it.
#pragma once

#include "libnae/base/bytes.hpp"

namespace nae {

// Number in the format, enumerator, name in SQL, whether it has a deterministic encrypted type.
// Numbers are never reassigned. No deterministic bool, whose two ciphertexts would tell all there
// is; none where equal values have more than one form, or where nobody compares whole values.
#define NAE_PLAIN_TYPES(X)             \
  X(1, text, text, true)               \
  X(2, bytea, bytea, true)             \
  X(3, int4, int4, true)               \
  X(4, int8, int8, true)               \
  X(5, numeric, numeric, true)         \
  X(6, boolean, bool, false)           \
  X(7, date, date, true)               \
  X(8, timestamptz, timestamptz, true) \
  X(9, uuid, uuid, true)               \
  X(10, jsonb, jsonb, false)

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

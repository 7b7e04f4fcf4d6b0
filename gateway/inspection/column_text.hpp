// A ciphertext of an encrypted column as a text, `nae1:` and base64, made of an envelope and read
// back (docs/spec/column.md, "The value").
#pragma once

#include <string>
#include <string_view>

#include "libnae/base/result.hpp"
#include "libnae/envelope/column_value.hpp"

namespace nae::gateway {

// The column that a value is for, as its declaration names it.
struct ColumnTarget {
  std::string key;      // name
  std::string context;  // perhaps empty
  PlainType type = PlainType::text;
  bool deterministic = false;
  std::uint16_t version = 1;  // of a deterministic column

  ColumnHeader header() const;
  // As requests to encrypt name it: `name:version` of a deterministic column.
  std::string key_to_encrypt() const;
};

// Begins as a ciphertext does; a text that goes on otherwise is taken for none and for no
// plaintext.
bool is_column_text(std::string_view text);

// Code::key_type: the envelope is not of the kind that the column takes.
Result<std::string> column_text(const ColumnTarget& column, ByteView envelope);

// The bytes of a ciphertext; Code::envelope_malformed. The view lives as long as `bytes`.
Result<ColumnValueView> parse_column_text(std::string_view text, Bytes& bytes);

}  // namespace nae::gateway

// Reads a JSON text (RFC 8259) from its first byte to its last and says where each value stands, so
// that a value can be replaced and every other byte stays. It is strict where readers differ: what
// one parser takes and another refuses, or two read differently, is refused here.
//
// A scanner of its own: the offsets of simdjson's on-demand reader come without a look at what is
// skipped and without one at keys that stand twice, so that a second pass over each byte would do
// all of the work anyway.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/inspection/refusal.hpp"

namespace nae::gateway {

inline constexpr std::size_t kMaxJsonDepth = 64;  // of arrays and objects within each other

enum class JsonKind : std::uint8_t { string, number, boolean, null, object, array };
std::string_view json_kind_name(JsonKind kind);

// One step from a container to a value: the key of an object's member, or a place in an array.
struct JsonStep {
  std::string key;        // decoded
  std::size_t index = 0;  // of an array
  bool is_index = false;
};
using JsonPath = std::vector<JsonStep>;

struct JsonValue {
  JsonKind kind{};
  std::size_t begin = 0, end = 0;  // bytes of the text, with the quotes of a string
  std::string_view text;           // decoded string, or the value as written; until the next value
};

// Called for each value when it has ended, a container after what it holds.
using JsonVisitor = std::function<Understood<void>(const JsonPath&, const JsonValue&)>;

// Status 400 with json_malformed, json_encoding, json_depth, json_key_twice or json_trailing_bytes;
// what the visitor refuses ends the scan. `text` has one value, white space may be around it.
// Refused beyond RFC 8259: a key that stands twice in an object, U+0000, escapes of half a
// surrogate pair, a byte order mark, numbers of more than 512 characters.
Understood<void> scan_json(std::string_view text, const JsonVisitor& visit);

// `$.a[0].b`, for messages and reports.
std::string to_string(const JsonPath& path);
// With quotes and escapes, as JSON has a string.
std::string json_quoted(std::string_view text);

}  // namespace nae::gateway

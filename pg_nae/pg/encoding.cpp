#include "pg_nae/pg/encoding.hpp"

#include <climits>

#include "libnae/base/text.hpp"
#include "pg_nae/pg/report.hpp"

namespace nae::pg {
namespace {

bool is_ascii(ByteView text) {
  Byte seen = 0;
  for (Byte b : text) seen |= b;
  return seen < 0x80;
}

bool is_ascii_without_nul(ByteView text) {
  bool good = true;
  for (Byte b : text) good &= b - 1u < 0x7fu;
  return good;
}

bool holds_nul(ByteView text) {
  return !text.empty() && std::memchr(text.data(), 0, text.size()) != nullptr;
}

// Empty when a character has no equivalent in `to`.
ByteView convert(ByteView text, int from, int to) {
  Oid procedure = FindDefaultConversionProc(from, to);
  std::size_t capacity = text.size() * MAX_CONVERSION_GROWTH + 1;
  if (!OidIsValid(procedure) || capacity > INT_MAX) return {};
  auto* buffer =
      static_cast<unsigned char*>(MemoryContextAllocHuge(CurrentMemoryContext, capacity));
  auto size = static_cast<int>(text.size());
  int read =
      pg_do_encoding_conversion_buf(procedure, from, to, const_cast<unsigned char*>(text.data()),
                                    size, buffer, static_cast<int>(capacity), true);
  if (read != size) return {};
  return {buffer, std::strlen(reinterpret_cast<char*>(buffer))};
}

// Of valid UTF-8; empty when a character has no equivalent.
ByteView in_database_encoding(ByteView utf8) {
  int encoding = GetDatabaseEncoding();
  if (encoding == PG_UTF8 || encoding == PG_SQL_ASCII || is_ascii(utf8)) return utf8;
  return convert(utf8, PG_UTF8, encoding);
}

}  // namespace

bool try_to_utf8(ByteView text, ByteView& utf8) {
  int encoding = GetDatabaseEncoding();
  utf8 = text;
  if (encoding == PG_UTF8 || is_ascii(text)) return true;
  // A SQL_ASCII database does not say what its bytes mean: they must be UTF-8 already.
  if (encoding != PG_SQL_ASCII) utf8 = convert(text, encoding, PG_UTF8);
  return !utf8.empty() && is_utf8(as_text(utf8));
}

bool try_from_utf8(ByteView utf8, ByteView& text) {
  text = utf8;
  if (is_ascii_without_nul(utf8)) return true;
  if (holds_nul(utf8) || !is_utf8(as_text(utf8))) return false;
  text = in_database_encoding(utf8);
  return !text.empty();
}

ByteView to_utf8(ByteView text, std::uint64_t item) {
  ByteView utf8;
  if (!try_to_utf8(text, utf8))
    raise(Code::invalid_encoding, "the text cannot be converted to UTF-8",
          "Pass it as bytea instead of text.", item);
  return utf8;
}

ByteView from_utf8(ByteView utf8, std::uint64_t item) {
  ByteView text;
  if (try_from_utf8(utf8, text)) return text;
  if (holds_nul(utf8) || !is_utf8(as_text(utf8)))
    raise(Code::invalid_encoding, "the decrypted value is not text", nullptr, item);
  raise(Code::invalid_encoding,
        "the decrypted text holds a character that the database's encoding lacks", nullptr, item);
}

char* shown_from_utf8(const char* utf8) {
  ByteView bytes = as_bytes(utf8);
  ByteView text = is_utf8(utf8) ? in_database_encoding(bytes) : ByteView{};
  if (!text.empty()) return pnstrdup(as_text(text).data(), text.size());
  char* copy = pstrdup(utf8);
  for (char* c = copy; *c != '\0'; ++c)
    if (static_cast<unsigned char>(*c) >= 0x80) *c = '?';
  return copy;
}

}  // namespace nae::pg

#include "pg_nae/columns/modifiers.hpp"

#include "libnae/base/text.hpp"
#include "pg_nae/pg/report.hpp"

namespace nae::columns {
namespace {

constexpr std::size_t kMaxContextBytes = 128;
constexpr int kMaxVersion = UINT16_MAX;
constexpr char kForm[] =
    "Write nae.enc_text('KEY'), or nae.enc_text('KEY', 'context=TEXT'); a deterministic type also "
    "takes 'version=N'.";

std::array<Byte, PG_SHA256_DIGEST_LENGTH> sha256(std::string_view text) {
  std::array<Byte, PG_SHA256_DIGEST_LENGTH> digest;
  pg_cryptohash_ctx* hash = pg_cryptohash_create(PG_SHA256);
  bool done = hash != nullptr && pg_cryptohash_init(hash) == 0 &&
              pg_cryptohash_update(hash, as_bytes(text).data(), text.size()) == 0 &&
              pg_cryptohash_final(hash, digest.data(), digest.size()) == 0;
  pg_cryptohash_free(hash);
  if (!done) elog(ERROR, "could not compute a SHA-256 digest");
  return digest;
}

// Key and context with a byte between them that neither has.
StringInfoData key_and_context(const Modifiers& modifiers) {
  StringInfoData text;
  initStringInfo(&text);
  appendStringInfoString(&text, modifiers.key);
  appendStringInfoChar(&text, '\0');
  appendStringInfoString(&text, modifiers.context);
  return text;
}

bool starts_with(const char* text, const char* prefix, const char*& rest) {
  std::size_t size = std::strlen(prefix);
  rest = text + size;
  return std::strncmp(text, prefix, size) == 0;
}

int version_number(const char* text) {
  int version = 0;
  for (const char* c = text; *c != '\0'; ++c) {
    if (*c < '0' || *c > '9' || version > kMaxVersion) return 0;
    version = version * 10 + (*c - '0');
  }
  return version <= kMaxVersion ? version : 0;
}

void read_option(const char* text, bool deterministic, Modifiers& modifiers) {
  const char* rest;
  if (starts_with(text, "context=", rest)) {
    modifiers.context = rest;
    if (std::strlen(rest) > kMaxContextBytes)
      pg::raise(Code::invalid_argument, "the context of an encrypted column is too long",
                "It has at most 128 bytes.");
    return;
  }
  if (starts_with(text, "version=", rest) && deterministic) {
    modifiers.version = version_number(rest);
    if (modifiers.version == 0)
      pg::raise(Code::invalid_argument, "the key version of an encrypted column is no number",
                "Versions count from 1 to 65535.");
    return;
  }
  pg::raise(Code::invalid_argument, "unknown modifier of an encrypted type", kForm);
}

}  // namespace

Modifiers read_modifiers(ArrayType* array, bool deterministic) {
  Datum* words;
  int count;
  // The parser passes one word at least; anybody else may pass anything.
  if (ARR_ELEMTYPE(array) != CSTRINGOID || ARR_NDIM(array) != 1 || array_contains_nulls(array))
    pg::raise(Code::invalid_argument, "the modifiers of an encrypted type are no list of words",
              kForm);
  deconstruct_array(array, CSTRINGOID, -2, false, TYPALIGN_CHAR, &words, nullptr, &count);
  Modifiers modifiers;
  modifiers.key = DatumGetCString(words[0]);
  modifiers.version = deterministic ? 1 : 0;
  if (!is_name(modifiers.key))
    pg::raise(Code::invalid_argument, "the name of the key is not well-formed", kForm);
  for (int i = 1; i < count; ++i) read_option(DatumGetCString(words[i]), deterministic, modifiers);
  return modifiers;
}

ContextTag tag_of(const Modifiers& modifiers) {
  StringInfoData text = key_and_context(modifiers);
  auto digest = sha256({text.data, static_cast<std::size_t>(text.len)});
  ContextTag tag;
  std::memcpy(tag.data(), digest.data(), tag.size());
  return tag;
}

int32 typmod_of(const Modifiers& modifiers) {
  StringInfoData text = key_and_context(modifiers);
  appendStringInfo(&text, "%c%d", '\0', modifiers.version);
  auto digest = sha256({text.data, static_cast<std::size_t>(text.len)});
  return static_cast<int32>(load_big_endian<std::uint32_t>(digest.data()) & 0x7fffffffu);
}

}  // namespace nae::columns

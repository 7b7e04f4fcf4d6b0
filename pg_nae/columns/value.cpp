#include "pg_nae/columns/value.hpp"

#include "pg_nae/pg/report.hpp"
#include "pg_nae/pg/values.hpp"

namespace nae::columns {
namespace {

// First byte of a pending value, then its type. Neither a column value nor an envelope begins so.
constexpr Byte kPending = 0xef;
constexpr std::size_t kPendingHeaderBytes = 2;

constexpr std::string_view kPrefix = "nae1:";
constexpr std::size_t kPrefixBytes = kPrefix.size();

// A database has few contexts; somebody who forges headers must not fill memory.
constexpr std::size_t kMaxKeptHeaders = 64;
struct KeptHeader {
  ColumnHeader header;
  ColumnAad aad;
};
KeptHeader kept[kMaxKeptHeaders];
std::size_t kept_count = 0;
std::size_t last_kept = 0;

bool is_header(const KeptHeader& entry, ByteView header) {
  return std::memcmp(entry.header.data(), header.data(), kColumnHeaderBytes) == 0;
}

}  // namespace

bool try_read_value(ByteView bytes, Value& value) noexcept {
  if (bytes.size() >= kPendingHeaderBytes && bytes[0] == kPending && is_plain_type(bytes[1])) {
    value.pending = true;
    value.type = static_cast<PlainType>(bytes[1]);
    value.plaintext = bytes.subspan(kPendingHeaderBytes);
    return true;
  }
  value.pending = false;
  if (!parse_column_value(bytes, value.ciphertext)) return false;
  value.type = value.ciphertext.type;
  value.stored = bytes;
  return true;
}

bool is_ciphertext(ByteView bytes) noexcept {
  Value value;
  return try_read_value(bytes, value) && !value.pending;
}

Value read_value(Datum datum) {
  Value value;
  if (!try_read_value(pg::local_view(datum), value))
    pg::raise(Code::envelope_malformed, "the value cannot be read as one of an encrypted column");
  return value;
}

Datum make_pending(PlainType type, ByteView canonical) {
  std::size_t size = VARHDRSZ + kPendingHeaderBytes + canonical.size();
  auto* datum = static_cast<varlena*>(palloc(size));
  SET_VARSIZE(datum, size);
  auto* bytes = reinterpret_cast<Byte*>(VARDATA(datum));
  bytes[0] = kPending;
  bytes[1] = static_cast<Byte>(type);
  if (!canonical.empty())
    std::memcpy(bytes + kPendingHeaderBytes, canonical.data(), canonical.size());
  return PointerGetDatum(datum);
}

std::size_t ciphertext_bytes(std::size_t envelope_bytes) {
  return VARHDRSZ + kColumnHeaderBytes + envelope_bytes;
}

char* room_for_ciphertext(std::size_t envelope_bytes) {
  return static_cast<char*>(palloc(ciphertext_bytes(envelope_bytes)));
}

Datum write_ciphertext(char* memory, ByteView header, ByteView envelope) {
  SET_VARSIZE(memory, ciphertext_bytes(envelope.size()));
  char* bytes = VARDATA(memory);
  std::memcpy(bytes, header.data(), kColumnHeaderBytes);
  std::memcpy(bytes + kColumnHeaderBytes, envelope.data(), envelope.size());
  return PointerGetDatum(memory);
}

char* ciphertext_in_words(ByteView stored) {
  auto size = static_cast<int>(stored.size());
  int capacity = pg_b64_enc_len(size);
  auto* text = static_cast<char*>(MemoryContextAllocHuge(
      CurrentMemoryContext, kPrefixBytes + static_cast<std::size_t>(capacity) + 1));
  std::memcpy(text, kPrefix.data(), kPrefixBytes);
#if PG_VERSION_NUM >= 180000
  int written = pg_b64_encode(stored.data(), size, text + kPrefixBytes, capacity);
#else
  int written = pg_b64_encode(reinterpret_cast<const char*>(stored.data()), size,
                              text + kPrefixBytes, capacity);
#endif
  if (written < 0) elog(ERROR, "could not write a ciphertext in base64");
  text[kPrefixBytes + static_cast<std::size_t>(written)] = '\0';
  return text;
}

bool has_ciphertext_prefix(std::string_view text) {
  return text.starts_with(kPrefix);
}

Datum ciphertext_from_words(std::string_view text) {
  const char* digits = text.data() + kPrefixBytes;
  auto size = static_cast<int>(text.size() - kPrefixBytes);
  int capacity = pg_b64_dec_len(size);
  auto* datum = static_cast<varlena*>(palloc(VARHDRSZ + static_cast<std::size_t>(capacity)));
#if PG_VERSION_NUM >= 180000
  int bytes = pg_b64_decode(digits, size, reinterpret_cast<uint8*>(VARDATA(datum)), capacity);
#else
  int bytes = pg_b64_decode(digits, size, VARDATA(datum), capacity);
#endif
  if (bytes >= 0) SET_VARSIZE(datum, VARHDRSZ + bytes);
  if (bytes < 0 || !is_ciphertext(pg::local_view(PointerGetDatum(datum))))
    pg::raise(
        Code::envelope_malformed, "a text that begins like a ciphertext cannot be read as one",
        "A text that begins with \"nae1:\" is taken for a ciphertext of an encrypted column.");
  return PointerGetDatum(datum);
}

bool belongs(const Value& value, const ColumnKey& key) {
  if (value.pending || value.ciphertext.context != key.tag) return false;
  if (value.ciphertext.deterministic() != key.deterministic()) return false;
  return !key.deterministic() || value.ciphertext.key.version == key.version;
}

void expect_to_belong(const Value& value, const ColumnKey& key) {
  if (belongs(value, key)) return;
  if (value.ciphertext.context != key.tag)
    pg::raise(Code::authentication_failed,
              psprintf("a ciphertext of another key or context is not taken for one of key \"%s\"",
                       key.key.data()),
              "Ciphertexts are not moved between columns of different keys or contexts; pass the "
              "plaintext, or read the column where it is selected.");
  if (value.ciphertext.deterministic() != key.deterministic())
    pg::raise(Code::key_type,
              psprintf("a %s value does not belong in a %s column",
                       value.ciphertext.deterministic() ? "deterministic" : "randomized",
                       key.deterministic() ? "deterministic" : "randomized"),
              kKeyTypesHint);
  pg::raise(Code::key_state,
            psprintf("a ciphertext of version %d of key \"%s\" is not taken for one of version %d",
                     value.ciphertext.key.version, key.key.data(), key.version),
            "The column is of one key version: CALL nae.rotate_column moves it to another.");
}

ByteView associated_data(ByteView header) {
  if (kept_count > 0 && is_header(kept[last_kept], header)) return kept[last_kept].aad;
  for (std::size_t i = 0; i < kept_count; ++i)
    if (is_header(kept[i], header)) return kept[last_kept = i].aad;
  if (kept_count < kMaxKeptHeaders) {
    last_kept = kept_count++;
    std::memcpy(kept[last_kept].header.data(), header.data(), kColumnHeaderBytes);
    kept[last_kept].aad = column_aad(header);
    return kept[last_kept].aad;
  }
  auto* aad = static_cast<ColumnAad*>(palloc(sizeof(ColumnAad)));
  *aad = column_aad(header);
  return *aad;
}

}  // namespace nae::columns

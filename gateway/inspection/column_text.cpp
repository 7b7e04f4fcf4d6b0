#include "gateway/inspection/column_text.hpp"

#include <algorithm>

#include "libnae/crypto/base64.hpp"
#include "libnae/crypto/hash.hpp"

namespace nae::gateway {
namespace {

constexpr std::string_view kPrefix = "nae1:";

}  // namespace

ColumnHeader ColumnTarget::header() const {
  const std::string named = key + '\0' + context;
  const crypto::Sha256Digest digest = crypto::sha256(as_bytes(named));
  ContextTag tag;
  std::copy_n(digest.begin(), tag.size(), tag.begin());
  return column_header(type, tag);
}

std::string ColumnTarget::key_to_encrypt() const {
  return deterministic ? key + ":" + std::to_string(version) : key;
}

bool is_column_text(std::string_view text) {
  return text.starts_with(kPrefix);
}

Result<std::string> column_text(const ColumnTarget& column, ByteView envelope) {
  const ColumnHeader header = column.header();
  Bytes bytes(header.begin(), header.end());
  bytes.insert(bytes.end(), envelope.begin(), envelope.end());
  ColumnValueView value;
  if (!parse_column_value(bytes, value))
    return fail(Code::envelope_malformed, "the key server answered no envelope");
  if (value.deterministic() != column.deterministic)
    return fail(Code::key_type, "key '" + column.key + "' is not of the type that " +
                                    (column.deterministic ? "a deterministic" : "a randomized") +
                                    " column takes");
  return std::string(kPrefix) + crypto::to_base64(bytes);
}

Result<ColumnValueView> parse_column_text(std::string_view text, Bytes& bytes) {
  if (!is_column_text(text)) return fail(Code::envelope_malformed, "no ciphertext of a column");
  auto read = crypto::from_base64(text.substr(kPrefix.size()));
  ColumnValueView value;
  if (!read) return fail(Code::envelope_malformed, "a ciphertext is no base64");
  bytes = *std::move(read);
  if (!parse_column_value(bytes, value))
    return fail(Code::envelope_malformed, "a ciphertext has another form");
  return value;
}

}  // namespace nae::gateway

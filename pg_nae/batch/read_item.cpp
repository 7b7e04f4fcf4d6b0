#include "pg_nae/batch/read_item.hpp"

#include "libnae/base/algorithm.hpp"
#include "libnae/base/text.hpp"
#include "libnae/envelope/envelope.hpp"
#include "pg_nae/functions/crypto_call.hpp"
#include "pg_nae/pg/encoding.hpp"
#include "pg_nae/pg/exchange.hpp"
#include "pg_nae/pg/settings.hpp"
#include "pg_nae/pg/values.hpp"

namespace nae::batch {
namespace {

std::size_t stored_bytes(Datum value) {
  auto* stored = reinterpret_cast<varlena*>(DatumGetPointer(value));
  if (!VARATT_IS_EXTENDED(stored)) return VARSIZE(stored) - VARHDRSZ;
  return toast_raw_datum_size(value) - VARHDRSZ;
}

bool is_allowed(Datum value, std::size_t overhead_bytes) {
  return stored_bytes(value) <= pg::settings.max_value_bytes() + overhead_bytes;
}

// A ciphertext is longer than the plaintext that the limit speaks of.
std::size_t overhead_of(Action action) {
  return action == Action::decrypt || action == Action::rewrap ? kGcmOverheadBytes : 0;
}

bool read_key(const Batchable& how, Datum value, std::string_view& key) {
  if (!is_allowed(value, 0)) return false;
  key = as_text(pg::local_view(value));
  return how.versioned ? functions::is_key_reference(key) : is_name(key);
}

bool read_scheme(Datum value, Action action, std::uint8_t& algorithm) {
  if (!is_allowed(value, 0)) return false;
  auto scheme = scheme_from_name(as_text(pg::local_view(value)));
  if (!scheme) return false;
  const SchemeRow* row = find_row(*scheme);
  if (action == Action::sign && row != nullptr && !row->may_sign) return false;
  algorithm = static_cast<std::uint8_t>(*scheme);
  return true;
}

bool read_aad(Datum value, ByteView& aad) {
  if (stored_bytes(value) > wire::kMaxAadBytes || !is_allowed(value, 0)) return false;
  aad = pg::local_view(value);
  return true;
}

bool read_value(const Batchable& how, Datum value, ByteView& bytes) {
  if (!is_allowed(value, overhead_of(how.action))) return false;
  bytes = pg::local_view(value);
  return !how.text_item || pg::try_to_utf8(bytes, bytes);
}

bool read_second(Datum value, ByteView& bytes) {
  if (!is_allowed(value, 0)) return false;
  bytes = pg::local_view(value);
  return true;
}

}  // namespace

Reading read_item(const Batchable& how, std::span<const Datum> arguments, Item& item) {
  auto passed = [&](int position) {
    return position != kNone && static_cast<std::size_t>(position) < arguments.size();
  };
  auto argument = [&](int position) { return arguments[static_cast<std::size_t>(position)]; };
  item.algorithm = how.algorithm;
  bool good = !passed(how.key) || read_key(how, argument(how.key), item.key);
  good = good &&
         (!passed(how.scheme) || read_scheme(argument(how.scheme), how.action, item.algorithm));
  good = good && (!passed(how.aad) || read_aad(argument(how.aad), item.aad));
  good = good && read_value(how, argument(how.item), item.value);
  good = good && (!passed(how.second) || read_second(argument(how.second), item.second));
  good = good && pg::fits_a_frame(item.value.size() + item.second.size() + item.aad.size());
  return good ? Reading::ask : Reading::defer;
}

}  // namespace nae::batch

#include "gateway/inspection/canonical_value.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>

#include "gateway/inspection/column_text.hpp"
#include "gateway/inspection/decimal.hpp"
#include "libnae/base/text.hpp"

namespace nae::gateway {
namespace {

using std::chrono::sys_days;

constexpr sys_days kEpoch = std::chrono::year{2000} / 1 / 1;

tl::unexpected<Refusal> invalid(PlainType type) {
  return refuse(422, "value_invalid",
                std::string("a field's value is no ") + plain_name(type) + " as it is written");
}

template <class Unsigned>
Bytes big_endian(Unsigned value) {
  Bytes bytes(sizeof value);
  store_big_endian(bytes.data(), value);
  return bytes;
}

template <class Integer>
Understood<Bytes> integer(PlainType type, std::string_view text) {
  Integer value{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size())
    return invalid(type);
  return big_endian(static_cast<std::make_unsigned_t<Integer>>(value));
}

bool are_digits(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// As ISO 8601 writes a day of a year with four digits.
Understood<Bytes> date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-' || !are_digits(text.substr(0, 4)) ||
      !are_digits(text.substr(5, 2)) || !are_digits(text.substr(8, 2)))
    return invalid(PlainType::date);
  int year = 0;
  unsigned month = 0, day = 0;
  std::from_chars(text.data(), text.data() + 4, year);
  std::from_chars(text.data() + 5, text.data() + 7, month);
  std::from_chars(text.data() + 8, text.data() + 10, day);
  const std::chrono::year_month_day when{std::chrono::year{year}, std::chrono::month{month},
                                         std::chrono::day{day}};
  if (year == 0 || !when.ok()) return invalid(PlainType::date);
  return big_endian(static_cast<std::uint32_t>((sys_days{when} - kEpoch).count()));
}

Understood<Bytes> uuid(std::string_view text) {
  if (text.size() != 36) return invalid(PlainType::uuid);
  std::string digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (is_dash != (text[i] == '-')) return invalid(PlainType::uuid);
    if (!is_dash) digits += text[i];
  }
  auto bytes = from_hex(digits);
  if (!bytes) return invalid(PlainType::uuid);
  return *std::move(bytes);
}

Understood<Bytes> boolean(std::string_view text) {
  if (text != "true" && text != "false") return invalid(PlainType::boolean);
  return Bytes(1, text == "true" ? 1 : 0);
}

Bytes copied(std::string_view text) {
  const ByteView view = as_bytes(text);
  return Bytes(view.begin(), view.end());
}

std::string_view without_blanks(std::string_view text) {
  const std::size_t last = text.find_last_not_of(' ');
  return text.substr(0, last == text.npos ? 0 : last + 1);
}

template <class Unsigned>
Unsigned number_in(ByteView bytes) {
  return load_big_endian<Unsigned>(bytes.data());
}

std::string date_text(std::int32_t days) {
  const std::chrono::year_month_day day{kEpoch + std::chrono::days{days}};
  char text[16];
  const auto year = static_cast<int>(day.year());
  std::snprintf(text, sizeof text, "%04d-%02u-%02u", year, static_cast<unsigned>(day.month()),
                static_cast<unsigned>(day.day()));
  return text;
}

}  // namespace

bool is_written(PlainType type) {
  switch (type) {
    case PlainType::text:
    case PlainType::bpchar:
    case PlainType::int2:
    case PlainType::int4:
    case PlainType::int8:
    case PlainType::numeric:
    case PlainType::boolean:
    case PlainType::date:
    case PlainType::uuid:
    case PlainType::json:
    case PlainType::jsonb:
      return true;
    default:
      return false;
  }
}

Understood<Bytes> canonical_value(PlainType type, bool deterministic, JsonKind kind,
                                  std::string_view written) {
  // Encrypted once more, it would be read as what it is not; taken as it is, anybody could put
  // another's value into a record of their own and have it shown.
  if (kind == JsonKind::string && is_column_text(written))
    return refuse(422, "value_is_ciphertext", "a field's value is a ciphertext already");
  // PostgreSQL has no text with a NUL, and jsonb none either.
  if (!is_utf8(written) || written.find('\0') != std::string_view::npos) return invalid(type);
  const bool is_json = type == PlainType::json || type == PlainType::jsonb;
  const bool is_container = kind == JsonKind::object || kind == JsonKind::array;
  if (is_container && !is_json) return invalid(type);
  if (kind == JsonKind::boolean && type != PlainType::boolean && !is_json) return invalid(type);
  switch (type) {
    case PlainType::text:
      return copied(written);
    case PlainType::bpchar:
      return copied(deterministic ? without_blanks(written) : written);
    case PlainType::int2:
      return integer<std::int16_t>(type, written);
    case PlainType::int4:
      return integer<std::int32_t>(type, written);
    case PlainType::int8:
      return integer<std::int64_t>(type, written);
    case PlainType::numeric: {
      auto bytes = numeric_of_decimal(written, deterministic);
      if (!bytes) return invalid(type);
      return *std::move(bytes);
    }
    case PlainType::boolean:
      return boolean(written);
    case PlainType::date:
      return date(written);
    case PlainType::uuid:
      return uuid(written);
    case PlainType::json:
    case PlainType::jsonb:
      // A string stands decoded here, and a JSON text has it quoted.
      return copied(kind == JsonKind::string ? json_quoted(written) : written);
    default:
      return invalid(type);
  }
}

Result<std::string> json_of_canonical(PlainType type, ByteView plaintext) {
  const auto wrong = fail(Code::envelope_malformed, "a value is no canonical form of its type");
  const std::size_t size = plaintext.size();
  switch (type) {
    case PlainType::text:
    case PlainType::bpchar:
      if (!is_utf8(as_text(plaintext))) return wrong;
      return json_quoted(as_text(plaintext));
    case PlainType::int2:
      if (size != 2) return wrong;
      return std::to_string(static_cast<std::int16_t>(number_in<std::uint16_t>(plaintext)));
    case PlainType::int4:
      if (size != 4) return wrong;
      return std::to_string(static_cast<std::int32_t>(number_in<std::uint32_t>(plaintext)));
    case PlainType::int8:
      if (size != 8) return wrong;
      return std::to_string(static_cast<std::int64_t>(number_in<std::uint64_t>(plaintext)));
    case PlainType::numeric: {
      const auto text = decimal_of_numeric(plaintext);
      if (!text) return wrong;
      return *text;
    }
    case PlainType::boolean:
      if (size != 1 || plaintext[0] > 1) return wrong;
      return std::string(plaintext[0] ? "true" : "false");
    case PlainType::date: {
      if (size != 4) return wrong;
      const auto days = static_cast<std::int32_t>(number_in<std::uint32_t>(plaintext));
      // Years of four digits; infinity and what is far away have another form.
      if (days < -730'119 || days > 2'921'939) return wrong;
      return json_quoted(date_text(days));
    }
    case PlainType::uuid: {
      if (size != 16) return wrong;
      std::string text = to_hex(plaintext);
      for (const std::size_t dash : {8, 13, 18, 23}) text.insert(dash, 1, '-');
      return json_quoted(text);
    }
    case PlainType::json:
    case PlainType::jsonb: {
      const auto good = scan_json(
          as_text(plaintext), [](const JsonPath&, const JsonValue&) { return Understood<void>(); });
      if (!good) return wrong;
      return std::string(as_text(plaintext));
    }
    default:
      return wrong;
  }
}

}  // namespace nae::gateway

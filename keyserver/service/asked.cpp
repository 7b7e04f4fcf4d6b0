#include "keyserver/service/asked.hpp"

#include <charconv>

namespace nae::service {
namespace {

constexpr char kBeforeVersion = ':';

bool makes_blind_index(const wire::CryptoHeader& header) {
  return header.action == Action::mac &&
         header.algorithm != static_cast<std::uint8_t>(wire::MacForm::code);
}

// What the database compares must be of one version, which its declaration names.
bool may_name_version(const wire::CryptoHeader& header) {
  return header.action == Action::encrypt || makes_blind_index(header);
}

}  // namespace

bool asks_for_search_tokens(const wire::CryptoHeader& header) {
  return header.action == Action::encrypt &&
         header.algorithm == static_cast<std::uint8_t>(wire::EncryptForm::search_token);
}

bool searches_blind_index(const wire::CryptoHeader& header) {
  if (!makes_blind_index(header)) return false;
  return header.algorithm == static_cast<std::uint8_t>(wire::MacForm::blind_index_search) ||
         (header.algorithm == static_cast<std::uint8_t>(wire::MacForm::blind_index) &&
          header.key.find(kBeforeVersion) != std::string_view::npos);
}

std::string_view act_of(const wire::CryptoHeader& header) {
  return asks_for_search_tokens(header) ? kSearchAct : name(header.action);
}

std::string_view key_name_of(const wire::CryptoHeader& header) {
  if (!may_name_version(header)) return header.key;
  return header.key.substr(0, header.key.find(kBeforeVersion));
}

std::string_view recorded_key_of(const wire::CryptoHeader& header) {
  switch (header.action) {
    case Action::decrypt:
    case Action::rewrap:
    case Action::hash:
    case Action::random:
      return {};
    default:
      return key_name_of(header);
  }
}

audit::Record record_of_head(const wire::CryptoHead& head, const keys::KeyRing& ring,
                             std::int64_t now_us) {
  audit::Record record;
  record.time_us = now_us;
  record.action = act_of(head.header);
  record.key = recorded_key_of(head.header);
  record.key_known = record.key.empty() || ring.find(record.key) != nullptr;
  record.items = record.failed_items = head.items;
  record.query_id = head.header.query_id;
  return record;
}

Result<std::optional<std::uint16_t>> version_of(const wire::CryptoHeader& header) {
  const std::size_t colon = header.key.find(kBeforeVersion);
  if (!may_name_version(header) || colon == std::string_view::npos) return std::nullopt;
  const std::string_view digits = header.key.substr(colon + 1);
  std::uint16_t number = 0;
  // Unsigned: a sign is no digit to it.
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc{} || end != digits.data() + digits.size() || digits.starts_with('0'))
    return fail(Code::invalid_argument,
                "the version of a key must be a whole number from 1 to 65535");
  return number;
}

}  // namespace nae::service

#include "keyserver/operations/asked.hpp"

#include <algorithm>
#include <charconv>

#include "libnae/envelope/search_input.hpp"

namespace nae::operations {
namespace {

constexpr char kBeforeVersion = ':';

bool makes_blind_index(const CryptoRequest& asked) {
  return asked.action == Action::mac && asked.algorithm != static_cast<std::uint8_t>(MacForm::code);
}

// What the database compares must be of one version, which its declaration names; and a certificate
// is of one, whose signatures and codes others verify without a header that says it.
bool may_name_version(const CryptoRequest& asked) {
  switch (asked.action) {
    case Action::encrypt:
    case Action::sign:
    case Action::mac:
    case Action::search:
    case Action::derive:
      return true;
    case Action::decrypt:  // what was encrypted to a public key names neither key nor version
      return decrypts_by_scheme(asked);
    case Action::verify:
      return asked.algorithm != 0;  // the signature is bare
    default:
      return false;
  }
}

}  // namespace

bool decrypts_by_scheme(const CryptoRequest& asked) {
  return asked.action == Action::decrypt && asked.algorithm != 0;
}

bool names_cipher_mode(const CryptoRequest& asked) {
  return (asked.action == Action::encrypt || asked.action == Action::decrypt) &&
         find_row(static_cast<CipherMode>(asked.algorithm)) != nullptr;
}

bool asks_for_search_tokens(const CryptoRequest& asked) {
  return asked.action == Action::encrypt &&
         asked.algorithm == static_cast<std::uint8_t>(EncryptForm::search_token);
}

bool searches_blind_index(const CryptoRequest& asked) {
  if (!makes_blind_index(asked)) return false;
  return asked.algorithm == static_cast<std::uint8_t>(MacForm::blind_index_search) ||
         (asked.algorithm == static_cast<std::uint8_t>(MacForm::blind_index) &&
          asked.key.find(kBeforeVersion) != std::string_view::npos);
}

bool searches_index(const CryptoRequest& asked) {
  return asked.action == Action::search &&
         asked.algorithm == static_cast<std::uint8_t>(SearchForm::searched);
}

std::uint64_t charged_items(const CryptoRequest& asked) {
  if (asked.action != Action::search) return asked.count;
  std::uint64_t tokens = 0;
  SearchInputView input;
  for (const ByteView item : asked.items)
    tokens += parse_search_input(item, input) ? std::max(input.count, std::uint32_t{1}) : 1;
  return tokens;
}

std::string_view act_of(const CryptoRequest& asked) {
  return asks_for_search_tokens(asked) ? audit::kSearchAct : name(asked.action);
}

std::string_view key_name_of(const CryptoRequest& asked) {
  if (!may_name_version(asked)) return asked.key;
  return asked.key.substr(0, asked.key.find(kBeforeVersion));
}

std::string_view recorded_key_of(const CryptoRequest& asked) {
  switch (asked.action) {
    case Action::decrypt:
      if (decrypts_by_scheme(asked)) return key_name_of(asked);
      return {};
    case Action::rewrap:
    case Action::hash:
    case Action::random:
      return {};
    default:
      return key_name_of(asked);
  }
}

audit::Record record_of_refused(const CryptoRequest& asked, const keys::KeyRing& ring,
                                std::int64_t now_us) {
  audit::Record record;
  record.time_us = now_us;
  record.action = act_of(asked);
  record.key = recorded_key_of(asked);
  record.key_known = record.key.empty() || ring.find(record.key) != nullptr;
  record.items = record.failed_items = asked.count;
  record.query_id = asked.query_id;
  return record;
}

Result<std::optional<std::uint16_t>> version_of(const CryptoRequest& asked) {
  const std::size_t colon = asked.key.find(kBeforeVersion);
  if (!may_name_version(asked) || colon == std::string_view::npos) return std::nullopt;
  const std::string_view digits = asked.key.substr(colon + 1);
  std::uint16_t number = 0;
  // Unsigned: a sign is no digit to it.
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc{} || end != digits.data() + digits.size() || digits.starts_with('0'))
    return fail(Code::invalid_argument,
                "the version of a key must be a whole number from 1 to 65535");
  return number;
}

}  // namespace nae::operations

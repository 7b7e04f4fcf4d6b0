#include "keyserver/group/seen_file.hpp"

#include <algorithm>
#include <charconv>
#include <string>
#include <system_error>

#include "libnae/base/file.hpp"
#include "libnae/base/text.hpp"

namespace nae::group {
namespace {

// No change and no snapshot begins so: a code of the one is none of the other.
constexpr std::string_view kFormat = "nae-store-seen/1\n";
constexpr std::size_t kMaxBytes = 256;
constexpr unsigned kMode = 0600;
constexpr std::size_t kHexOfHash = 2 * sizeof(store::LedgerHash);

std::string told(const store::LedgerPoint& point) {
  return std::string(kFormat) + std::to_string(point.epoch) + " " + to_hex(point.hash) + "\n";
}

// What told() wrote, its code verified.
std::optional<store::LedgerPoint> parse(std::string_view text) {
  if (!text.starts_with(kFormat)) return std::nullopt;
  text.remove_prefix(kFormat.size());
  store::LedgerPoint point;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), point.epoch);
  if (error != std::errc() || end == text.end() || *end != ' ') return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.begin()) + 1);
  if (text.size() != kHexOfHash + 1) return std::nullopt;
  const auto hash = from_hex(text.substr(0, kHexOfHash));
  if (!hash || hash->size() != point.hash.size()) return std::nullopt;
  std::ranges::copy(*hash, point.hash.begin());
  return point;
}

}  // namespace

Result<std::optional<store::LedgerPoint>> read_seen(const std::filesystem::path& file,
                                                    const store::LedgerKey& key) {
  if (!name_is_taken(file)) return std::nullopt;
  NAE_ASSIGN(const std::string text, read_file(file, kMaxBytes));
  // The last line is the code of all before it.
  const std::size_t body = text.size() > kHexOfHash + 1 ? text.size() - kHexOfHash - 1 : 0;
  const auto mac = from_hex(std::string_view(text).substr(body, kHexOfHash));
  if (body != 0 && text.back() == '\n' && mac &&
      key.verify(as_bytes(std::string_view(text).substr(0, body)), *mac)) {
    if (const auto point = parse(std::string_view(text).substr(0, body));
        point && told(*point) == text.substr(0, body))
      return point;
  }
  return fail(
      Code::file_failed, file.string() + " is not what a key server of this group wrote there",
      "It says what this key server has seen of the store. Bring it back; if it is lost, see "
      "'nae-keyserver accept-store-rollback'.");
}

Result<void> write_seen(const std::filesystem::path& file, const store::LedgerPoint& point,
                        const store::LedgerKey& key) {
  const std::string text = told(point);
  return replace_file(file, as_bytes(text + to_hex(key.mac(as_bytes(text))) + "\n"), kMode);
}

}  // namespace nae::group

#include "keyserver/audit/chain.hpp"

#include <algorithm>
#include <charconv>

#include "keyserver/audit/encode.hpp"
#include "libnae/base/text.hpp"
#include "libnae/crypto/hash.hpp"

namespace nae::audit {
namespace {

constexpr std::string_view kOpening = R"({"seq":)";
constexpr std::string_view kHashOpening = R"(,"hash":")";
constexpr std::string_view kClosing = R"("})";
constexpr std::size_t kSuffixBytes = kHashOpening.size() + 2 * kHashBytes + kClosing.size();
constexpr std::string_view kSegmentEvent = R"(,"event":"segment","prev":")";
constexpr std::size_t kTimeMemberBytes = std::string_view(R"("time":"")").size() + 27;
constexpr std::string_view kNamePrefix = "audit-";
constexpr std::string_view kNameSuffix = ".jsonl";
constexpr std::size_t kNameDigits = 12;  // at least, so that names sort

void append_hex(std::string& out, const Hash& hash) {
  constexpr char kDigits[] = "0123456789abcdef";
  for (Byte b : hash) {
    out += kDigits[b >> 4];
    out += kDigits[b & 15];
  }
}

// Only what append_hex writes: upper case would be a second form of the same line.
std::optional<Hash> hash_from_hex(std::string_view text) {
  Hash hash;
  auto bytes = from_hex(text);
  if (!bytes || bytes->size() != hash.size()) return std::nullopt;
  if (std::ranges::any_of(text, [](char c) { return c >= 'A' && c <= 'F'; })) return std::nullopt;
  std::ranges::copy(*bytes, hash.begin());
  return hash;
}

// A number without sign or leading zeros, and what follows it.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || text.front() == '0') return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

}  // namespace

Hash line_hash(const Hash& previous, std::string_view hashed) {
  return crypto::sha256(previous, as_bytes(hashed));
}

void append_line(std::string& out, ChainPoint& point, std::string_view members) {
  std::size_t start = out.size();
  char digits[20];
  char* end = std::to_chars(digits, digits + sizeof digits, ++point.seq).ptr;
  out += kOpening;
  out.append(digits, end);
  out += ',';
  out += members;
  point.hash = line_hash(point.hash, std::string_view(out).substr(start));
  out += kHashOpening;
  append_hex(out, point.hash);
  out += kClosing;
  out += '\n';
}

std::optional<Line> split_line(std::string_view line) {
  if (line.size() >= kMaxLineBytes || line.size() < kOpening.size() + kSuffixBytes)
    return std::nullopt;
  std::string_view suffix = line.substr(line.size() - kSuffixBytes);
  if (!line.starts_with(kOpening) || !suffix.starts_with(kHashOpening) ||
      !suffix.ends_with(kClosing))
    return std::nullopt;
  auto hash = hash_from_hex(suffix.substr(kHashOpening.size(), 2 * kHashBytes));
  Line parts;
  parts.hashed = line.substr(0, line.size() - kSuffixBytes);
  parts.members = parts.hashed.substr(kOpening.size());
  auto seq = take_number(parts.members);
  if (!hash || !seq || !parts.members.starts_with(',')) return std::nullopt;
  parts.members.remove_prefix(1);
  parts.seq = *seq;
  parts.hash = *hash;
  return parts;
}

std::string segment_members(std::int64_t time_us, const Hash& previous) {
  std::string members = R"("time":")";
  append_time(members, time_us);
  members += '"';
  members += kSegmentEvent;
  append_hex(members, previous);
  members += '"';
  return members;
}

std::optional<Hash> previous_of_segment(const Line& line) {
  constexpr std::size_t kHashAt = kTimeMemberBytes + kSegmentEvent.size();
  if (line.members.size() != kHashAt + 2 * kHashBytes + 1 || !line.members.ends_with('"') ||
      line.members.substr(kTimeMemberBytes, kSegmentEvent.size()) != kSegmentEvent)
    return std::nullopt;
  return hash_from_hex(line.members.substr(kHashAt, 2 * kHashBytes));
}

std::string segment_name(std::uint64_t first_seq) {
  std::string digits = std::to_string(first_seq);
  if (digits.size() < kNameDigits) digits.insert(0, kNameDigits - digits.size(), '0');
  return std::string(kNamePrefix) + digits + std::string(kNameSuffix);
}

std::optional<std::uint64_t> first_seq_of_segment(std::string_view file_name) {
  if (!file_name.starts_with(kNamePrefix) || !file_name.ends_with(kNameSuffix)) return std::nullopt;
  std::string_view digits = file_name.substr(kNamePrefix.size());
  digits.remove_suffix(std::min(digits.size(), kNameSuffix.size()));
  std::uint64_t seq = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), seq);
  if (error != std::errc() || end != digits.data() + digits.size() ||
      segment_name(seq) != file_name)
    return std::nullopt;
  return seq;
}

}  // namespace nae::audit

#include "keyserver/audit/encode.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

namespace nae::audit {
namespace {

// Which bytes a JSON string takes as they are: printable ASCII without '"' and '\'. DEL is
// escaped too, so that no terminal acts on a line.
constexpr auto kPlain = [] {
  std::array<bool, 256> plain{};
  for (int c = 0x20; c < 0x7f; ++c) plain[static_cast<std::size_t>(c)] = c != '"' && c != '\\';
  return plain;
}();

bool is_plain(char c) {
  return kPlain[static_cast<unsigned char>(c)];
}

// Bytes of the well-formed UTF-8 sequence at the start of `text`; 0 when there is none (RFC 3629).
std::size_t utf8_length(std::string_view text) {
  auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  unsigned char lead = byte(0), low = 0x80, high = 0xbf;
  std::size_t length = 0;
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf) length = 2;
  if (lead >= 0xe0 && lead <= 0xef) length = 3;
  if (lead >= 0xf0 && lead <= 0xf4) length = 4;
  if (length == 0 || text.size() < length) return 0;
  if (lead == 0xe0) low = 0xa0;   // overlong
  if (lead == 0xed) high = 0x9f;  // surrogates
  if (lead == 0xf0) low = 0x90;   // overlong
  if (lead == 0xf4) high = 0x8f;  // above U+10FFFF
  if (byte(1) < low || byte(1) > high) return 0;
  for (std::size_t i = 2; i < length; ++i)
    if ((byte(i) & 0xc0) != 0x80) return 0;
  return length;
}

// All that is left is the beginning of a character: the cut went through it.
bool begins_character(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (text.size() == 1) return lead >= 0xc2 && lead <= 0xf4;
  char whole[4] = {'\x80', '\x80', '\x80', '\x80'};
  if (text.size() >= sizeof whole) return false;
  std::ranges::copy(text, whole);
  return utf8_length({whole, sizeof whole}) > text.size();
}

void append_escape(std::string& out, char c) {
  constexpr char kDigits[] = "0123456789abcdef";
  if (c == '"' || c == '\\') {
    out += '\\';
    out += c;
    return;
  }
  auto value = static_cast<unsigned char>(c);
  out += "\\u00";
  out += kDigits[value >> 4];
  out += kDigits[value & 15];
}

void append_number(std::string& out, std::uint64_t value) {
  char digits[20];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

// `,"name":"text"`; the names are constants that need no escaping.
void append_text_member(std::string& out, std::string_view opening, std::string_view text,
                        std::size_t max_bytes = kMaxFieldBytes) {
  out += opening;
  append_json_text(out, text, max_bytes);
}

void append_number_member(std::string& out, std::string_view opening, std::uint64_t value) {
  out += opening;
  append_number(out, value);
}

void append_start(std::string& out, std::int64_t time_us, std::string_view event) {
  out += R"("time":")";
  append_time(out, time_us);
  append_text_member(out, R"(","event":)", event);
}

// A member as it stands in a fragment. Texts escape their quotes, so that none can look like one.
std::string_view member_of(std::string_view fragment, std::string_view opening) {
  const std::size_t start = fragment.find(opening);
  if (start == std::string_view::npos) return {};
  std::size_t end = start + opening.size() + 1;  // behind the first quote
  while (end < fragment.size() && fragment[end] != '"') end += fragment[end] == '\\' ? 2 : 1;
  return fragment.substr(start, end + 1 - start);
}

void append_two_digits(std::string& out, unsigned value) {
  out += static_cast<char>('0' + value / 10);
  out += static_cast<char>('0' + value % 10);
}

}  // namespace

void append_json_text(std::string& out, std::string_view text, std::size_t max_bytes) {
  out += '"';
  bool cut = text.size() > max_bytes;
  if (cut) text = text.substr(0, max_bytes);
  while (!text.empty()) {
    auto run = static_cast<std::size_t>(std::ranges::find_if_not(text, is_plain) - text.begin());
    out += text.substr(0, run);
    text.remove_prefix(run);
    if (text.empty()) break;
    std::size_t length = utf8_length(text);
    if (length == 0 && cut && begins_character(text)) break;
    if (length == 0) out += "\xef\xbf\xbd";
    if (length == 1) append_escape(out, text.front());
    if (length > 1) out += text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  if (cut) out += "\xe2\x80\xa6";
  out += '"';
}

void append_time(std::string& out, std::int64_t time_us) {
  constexpr std::int64_t kLast = 253'402'300'799'999'999;  // the end of year 9999
  std::chrono::microseconds since_epoch(std::clamp<std::int64_t>(time_us, 0, kLast));
  auto day = std::chrono::floor<std::chrono::days>(since_epoch);
  std::chrono::year_month_day date{std::chrono::sys_days(day)};
  std::chrono::hh_mm_ss time(since_epoch - day);
  auto year = static_cast<unsigned>(static_cast<int>(date.year()));
  append_two_digits(out, year / 100);
  append_two_digits(out, year % 100);
  out += '-';
  append_two_digits(out, static_cast<unsigned>(date.month()));
  out += '-';
  append_two_digits(out, static_cast<unsigned>(date.day()));
  out += 'T';
  append_two_digits(out, static_cast<unsigned>(time.hours().count()));
  out += ':';
  append_two_digits(out, static_cast<unsigned>(time.minutes().count()));
  out += ':';
  append_two_digits(out, static_cast<unsigned>(time.seconds().count()));
  out += '.';
  auto fraction = static_cast<unsigned>(time.subseconds().count());
  append_two_digits(out, fraction / 10'000);
  append_two_digits(out, fraction / 100 % 100);
  append_two_digits(out, fraction % 100);
  out += 'Z';
}

ContextFragment render_context(const Context& context) {
  ContextFragment fragment;
  std::string& out = fragment.text;
  append_text_member(out, R"(,"device":)", context.device);
  append_text_member(out, R"(,"program":)", context.program);
  append_text_member(out, R"(,"database":)", context.database);
  append_text_member(out, R"(,"role":)", context.role);
  append_text_member(out, R"(,"session_role":)", context.session_role);
  append_text_member(out, R"(,"login_role":)", context.login_role);
  append_text_member(out, R"(,"client_address":)", context.client_address);
  fragment.who = out;
  append_text_member(out, R"(,"application_name":)", context.application_name);
  if (context.user_issuer.empty()) return fragment;
  const std::size_t user_at = out.size();
  append_text_member(out, R"(,"user_issuer":)", context.user_issuer);
  append_text_member(out, R"(,"user":)", context.user);
  fragment.who += std::string_view(out).substr(user_at);
  return fragment;
}

std::string crowd_of(const ContextFragment& context, bool with_login) {
  std::string out;
  const auto keep = [&](std::string_view opening) { out += member_of(context.text, opening); };
  const auto several = [&](std::string_view opening) {
    append_text_member(out, opening, kSeveral);
  };
  keep(R"(,"device":)");
  keep(R"(,"program":)");
  with_login ? keep(R"(,"database":)") : several(R"(,"database":)");
  several(R"(,"role":)");
  several(R"(,"session_role":)");
  with_login ? keep(R"(,"login_role":)") : several(R"(,"login_role":)");
  several(R"(,"client_address":)");
  several(R"(,"application_name":)");
  return out;
}

void append_record(std::string& out, const ContextFragment& context, const Record& record) {
  append_start(out, record.time_us, "request");
  out += context.text;
  append_text_member(out, R"(,"action":)", record.action);
  append_text_member(out, R"(,"key":)", record.key);
  append_number_member(out, R"(,"key_version":)", record.key_version);
  append_number_member(out, R"(,"items":)", record.items);
  append_number_member(out, R"(,"failed_items":)", record.failed_items);
  append_text_member(out, R"(,"verdict":)", record.verdict);
  append_text_member(out, R"(,"reason":)", record.reason);
  append_text_member(out, R"(,"rule":)", record.rule);
  if (!record.membership.empty()) append_text_member(out, R"(,"membership":)", record.membership);
  append_number_member(out, R"(,"query_id":)", record.query_id);
  if (record.repeated != 1) append_number_member(out, R"(,"repeated":)", record.repeated);
}

void append_record(std::string& out, const AdminRecord& record) {
  append_start(out, record.time_us, "admin");
  append_text_member(out, R"(,"admin":)", record.admin);
  append_text_member(out, R"(,"client_address":)", record.client_address);
  append_text_member(out, R"(,"action":)", record.action);
  append_text_member(out, R"(,"target":)", record.target);
  append_text_member(out, R"(,"verdict":)", record.verdict);
  append_text_member(out, R"(,"reason":)", record.reason);
  append_text_member(out, R"(,"detail":)", record.detail, kMaxDetailBytes);
  if (!record.digest.empty()) append_text_member(out, R"(,"digest":)", record.digest);
}

void append_record(std::string& out, const EventRecord& record) {
  append_start(out, record.time_us, record.event);
  append_text_member(out, R"(,"detail":)", record.detail, kMaxDetailBytes);
}

}  // namespace nae::audit

// libFuzzer: the small languages inside a policy: limits, masks, networks and addresses, patterns,
// hours and days, time zones; and the counts of limits as the store keeps them. What is accepted is
// written again as a text that means the same.
#include "keyserver/policy/limit.hpp"
#include "keyserver/policy/limit_window.hpp"
#include "keyserver/policy/mask.hpp"
#include "keyserver/policy/network.hpp"
#include "keyserver/policy/pattern.hpp"
#include "keyserver/policy/schedule.hpp"
#include "keyserver/policy/time_zone.hpp"
#include "libnae/base/text.hpp"
#include "tests/fuzz/property.hpp"

using namespace nae;
using namespace nae::fuzz;
using namespace nae::policy;

namespace {

void check_limit(std::string_view text) {
  auto limit = parse_limit(text);
  if (!limit) return require_refusal(limit.error(), Code::policy_invalid);
  require(limit->items >= 1 && limit->items <= kMaxLimitItems);
  auto again = parse_limit(to_text(*limit));
  require(again && *again == *limit);
}

// Whatever is masked: text again, no longer than announced, and nothing of what is to be hidden.
void check_mask(std::string_view text) {
  auto parsed = parse_mask(text);
  if (!parsed) return require_refusal(parsed.error(), Code::policy_invalid);
  auto again = parse_mask(to_text(*parsed));
  require(again && *again == *parsed);
  for (std::string_view value :
       {text, std::string_view("123-45-6789"), std::string_view("j@e.org")}) {
    Bytes out(max_masked_bytes(value.size()));
    auto size = mask(*parsed, as_bytes(value), out);
    require(size.has_value() == is_utf8(value));
    if (!size) return require_refusal(size.error(), Code::value_not_text);
    require(*size <= out.size() && is_utf8(as_text(ByteView(out).first(*size))));
  }
}

void check_network(std::string_view text) {
  auto network = parse_network(text);
  auto address = parse_address(text);
  if (!network) return require_refusal(network.error(), Code::policy_invalid);
  auto again = parse_network(to_text(*network));
  require(again && *again == *network);
  require(network->contains(network->first));
  if (address) require(network->first == *address);
}

void check_pattern(std::string_view text, PatternSyntax syntax) {
  auto pattern = read_pattern(text, syntax);
  if (!pattern) return require(!pattern.error().message.empty());
  auto again = read_pattern(*pattern, PatternSyntax::version_2);
  require(again && *again == *pattern);
  require(pattern_matches(*pattern, example_of(*pattern)));
  if (matches_any(*pattern)) require(pattern_matches(*pattern, text));
  if (!is_glob(*pattern)) require(pattern_matches(*pattern, body_of(*pattern)));
}

void check_times(std::string_view text) {
  if (auto hours = parse_hours(text)) {
    require(hours->begin_minute < 24 * 60 && hours->end_minute <= 24 * 60);
    const Week week({}, {*hours});
    const std::int64_t begin_s = std::int64_t{hours->begin_minute} * 60;
    require(week.always() || week.holds(begin_s));
    require(week.seconds_to_change(begin_s) > 0);
  } else {
    require(!hours.error().message.empty());
  }
  if (auto day = parse_weekday(text)) require(*day <= 6);
  auto zone = TimeZone::find(text);
  if (!zone) return require_refusal(zone.error(), Code::policy_invalid);
  const auto offset = zone->offset_at(1'774'746'000);
  require(offset.ends_at_s > 1'774'746'000 && offset.seconds > -90'000 && offset.seconds < 90'000);
}

void check_window(ByteView bytes) {
  if (bytes.empty()) return;
  constexpr std::uint32_t kWindows[] = {1, 60, 3600, 86'400};
  const std::uint32_t seconds = kWindows[bytes[0] % 4];
  auto window = LimitWindow::decode(seconds, bytes.subspan(1));
  if (!window) return require_refusal(window.error(), Code::store_corrupt);
  auto again = LimitWindow::decode(seconds, window->encode());
  require(again && again->encode() == window->encode());
  window->advance(window->expires_at_us());
  require(window->empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = text_of(data, size);
  check_limit(text);
  check_mask(text);
  check_network(text);
  check_pattern(text, PatternSyntax::version_1);
  check_pattern(text, PatternSyntax::version_2);
  check_times(text);
  check_window({data, size});
  return 0;
}

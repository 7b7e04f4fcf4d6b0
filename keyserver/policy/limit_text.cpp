// The written form of limits: parse_limit(), to_text(), and the names of their counters.
#include <charconv>

#include "keyserver/policy/limit.hpp"

namespace nae::policy {
namespace {

struct Span {
  std::string_view name;
  std::uint32_t seconds;
};
constexpr Span kSpans[] = {{"second", 1}, {"minute", 60}, {"hour", 3600}, {"day", 86400}};

constexpr std::string_view kPer = " per ", kPerRule = " per rule", kPerRole = " per role";

tl::unexpected<Error> refuse() {
  return fail(
      Code::policy_invalid,
      "a limit is \"N per second\", minute, hour or day, then \" per role\" (also when left "
      "out) or \" per rule\"; N is 1 to " +
          std::to_string(kMaxLimitItems));
}

}  // namespace

Result<Limit> parse_limit(std::string_view written) {
  Limit limit;
  auto [end, error] = std::from_chars(written.data(), written.data() + written.size(), limit.items);
  if (error != std::errc{} || limit.items == 0 || limit.items > kMaxLimitItems) return refuse();
  std::string_view rest = written.substr(static_cast<std::size_t>(end - written.data()));
  if (!rest.starts_with(kPer)) return refuse();
  rest.remove_prefix(kPer.size());
  for (const Span& span : kSpans) {
    if (!rest.starts_with(span.name)) continue;
    rest.remove_prefix(span.name.size());
    limit.window_seconds = span.seconds;
    break;
  }
  if (limit.window_seconds == 0) return refuse();
  if (rest == kPerRule)
    limit.per = LimitPer::rule;
  else if (!rest.empty() && rest != kPerRole)
    return refuse();
  return limit;
}

std::string to_text(const Limit& limit) {
  std::string text = std::to_string(limit.items) + std::string(kPer);
  for (const Span& span : kSpans)
    if (span.seconds == limit.window_seconds) text += span.name;
  return text + std::string(limit.per == LimitPer::rule ? kPerRule : kPerRole);
}

// Rule names have no '/', so that no two of them can name one counter.
LimitUse use_of(const Limit& limit, std::string_view rule, std::string_view effective_role) {
  std::string counter = std::string(rule) + "/" + std::to_string(limit.window_seconds);
  if (limit.per == LimitPer::role) counter += "/" + std::string(effective_role);
  return {limit, std::string(rule), std::move(counter)};
}

}  // namespace nae::policy

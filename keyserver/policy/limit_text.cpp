// The written form of limits: parse_limit(), to_text(), and the names of their counters.
#include <algorithm>
#include <charconv>

#include "keyserver/policy/limit.hpp"

namespace nae::policy {
namespace {

struct Span {
  std::string_view name;
  std::uint32_t seconds;
};
constexpr Span kSpans[] = {{"second", 1}, {"minute", 60}, {"hour", 3600}, {"day", 86400}};

constexpr std::string_view kPer = " per ";
constexpr std::string_view kWhom[] = {" per rule", " per role", " per login"};  // by LimitPer

tl::unexpected<Error> refuse() {
  return fail(
      Code::policy_invalid,
      "a limit is \"N per second\", minute, hour or day, then \" per role\" (also when left "
      "out), \" per login\" or \" per rule\"; N is 1 to " +
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
  if (rest.empty()) return limit;
  const auto whom = std::ranges::find(kWhom, rest);
  if (whom == std::end(kWhom)) return refuse();
  limit.per = static_cast<LimitPer>(whom - std::begin(kWhom));
  return limit;
}

std::string to_text(const Limit& limit) {
  std::string text = std::to_string(limit.items) + std::string(kPer);
  for (const Span& span : kSpans)
    if (span.seconds == limit.window_seconds) text += span.name;
  return text + std::string(kWhom[static_cast<std::size_t>(limit.per)]);
}

// Names of rules and devices have no '/', and the entry says its length before the login role, so
// that no two counters have one name.
LimitUse use_of(const Limit& limit, std::string_view rule, const LimitSubject& subject) {
  std::string counter = std::string(rule) + "/" + std::to_string(limit.window_seconds);
  if (limit.per != LimitPer::rule)
    counter += "/" + std::string(subject.device) + "/" + std::to_string(subject.entry.size()) +
               ":" + std::string(subject.entry);
  if (limit.per == LimitPer::login) counter += "/" + std::string(subject.login_role);
  return {limit, std::string(rule), std::move(counter), std::string(subject.device)};
}

}  // namespace nae::policy

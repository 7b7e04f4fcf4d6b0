#include "gateway/inspection/pattern.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <utility>

#include "gateway/inspection/ascii.hpp"

namespace nae::gateway {
namespace {

// Of what an expression is compiled to: one that needs more is refused, not slow.
constexpr std::int64_t kMaxCompiledBytes = 4 << 20;

bool is_word(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
  });
}

}  // namespace

Result<Pattern> Pattern::compile(std::string_view expression, std::vector<std::string> near) {
  if (expression.empty() || expression.size() > kMaxBytes)
    return fail(Code::invalid_argument, "a pattern has 1 to 1024 bytes");
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kMaxCompiledBytes);
  Pattern made;
  made.expression_ = std::make_shared<const re2::RE2>(
      re2::StringPiece(expression.data(), expression.size()), options);
  if (!made.expression_->ok())
    return fail(Code::invalid_argument, "the pattern: " + made.expression_->error());
  for (const std::string_view probe : {"", " ", ".", "a", "0", "a a", ". ."}) {
    re2::StringPiece match;
    const re2::StringPiece whole(probe.data(), probe.size());
    if (made.expression_->Match(whole, 0, whole.size(), re2::RE2::UNANCHORED, &match, 1) &&
        match.empty())
      return fail(Code::invalid_argument, "the pattern matches an empty text, and so any");
  }
  for (const std::string& word : near) {
    made.near_.push_back(in_lower_case(word));
    if (!is_word(made.near_.back()))
      return fail(Code::invalid_argument,
                  "'" + word + "' is no word of up to 64 ASCII letters and digits");
  }
  return made;
}

bool Pattern::matches(std::string_view text, std::size_t begin, std::size_t end) const {
  return expression_->Match(re2::StringPiece(text.data(), text.size()), begin, end,
                            re2::RE2::UNANCHORED, nullptr, 0);
}

// Around the words, not around what matches: one who writes the text could have the expression
// match at each byte of it, and each of the matches go to its end.
bool Pattern::is_in(std::string_view text, std::string_view field) const {
  const std::string small_field = in_lower_case(field);
  const auto is_in_field = [&](const std::string& word) {
    return small_field.find(word) != small_field.npos;
  };
  if (near_.empty() || std::ranges::any_of(near_, is_in_field))
    return matches(text, 0, text.size());
  const std::string small = in_lower_case(text);
  std::vector<std::pair<std::size_t, std::size_t>> places;
  for (const std::string& word : near_)
    for (std::size_t at = small.find(word); at != small.npos; at = small.find(word, at + 1))
      places.emplace_back(at - std::min(at, kNear),
                          std::min(at + word.size() + kNear, text.size()));
  std::ranges::sort(places);
  for (std::size_t i = 0; i < places.size();) {
    auto [begin, end] = places[i];
    for (++i; i < places.size() && places[i].first <= end; ++i)
      end = std::max(end, places[i].second);
    if (matches(text, begin, end)) return true;
  }
  return false;
}

}  // namespace nae::gateway

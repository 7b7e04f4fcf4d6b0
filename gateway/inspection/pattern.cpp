#include "gateway/inspection/pattern.hpp"

#include <re2/re2.h>

#include <algorithm>

namespace nae::gateway {
namespace {

// Of what an expression is compiled to: one that needs more is refused, not slow.
constexpr std::int64_t kMaxCompiledBytes = 4 << 20;

std::string in_small_letters(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

bool is_word(std::string_view text) {
  return !text.empty() && text.size() <= Pattern::kNear && std::ranges::all_of(text, [](char c) {
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
  if (re2::RE2::PartialMatch("", *made.expression_))
    return fail(Code::invalid_argument, "the pattern matches an empty text, and so any");
  for (const std::string& word : near) {
    made.near_.push_back(in_small_letters(word));
    if (!is_word(made.near_.back()))
      return fail(Code::invalid_argument,
                  "'" + word + "' is no word of up to 64 ASCII letters and digits");
  }
  return made;
}

bool Pattern::has_word(std::string_view text) const {
  const std::string small = in_small_letters(text);
  return std::ranges::any_of(
      near_, [&](const std::string& word) { return small.find(word) != small.npos; });
}

bool Pattern::is_in(std::string_view text, std::string_view field) const {
  const re2::StringPiece whole(text.data(), text.size());
  const bool any_place = near_.empty() || has_word(field);
  re2::StringPiece match;
  for (std::size_t at = 0; at < text.size();) {
    if (!expression_->Match(whole, at, text.size(), re2::RE2::UNANCHORED, &match, 1)) return false;
    const auto begin = static_cast<std::size_t>(match.data() - text.data());
    const std::size_t end = begin + match.size();
    const std::size_t from = begin - std::min(begin, kNear);
    if (any_place || has_word(text.substr(from, end - from + kNear))) return true;
    at = std::max(end, begin + 1);
  }
  return false;
}

}  // namespace nae::gateway

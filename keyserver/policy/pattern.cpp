#include "keyserver/policy/pattern.hpp"

namespace nae::policy {
namespace {

constexpr std::string_view kGlob = "glob:";
constexpr std::string_view kExact = "exact:";
constexpr std::string_view kWild = "*?";

bool is_marked(std::string_view text) {
  return text.starts_with(kGlob) || text.starts_with(kExact);
}

std::string exactly(std::string_view name) {
  const bool needs_mark = is_marked(name) || name.find_first_of(kWild) != std::string_view::npos;
  return (needs_mark ? std::string(kExact) : std::string()) + std::string(name);
}

// A glob of version 1 has no escapes: a backslash is one.
std::string marked(std::string_view glob) {
  std::string pattern(kGlob);
  for (char c : glob) pattern += c == '\\' ? std::string("\\\\") : std::string(1, c);
  return pattern;
}

// One position of a glob.
struct Part {
  enum Kind : std::uint8_t { run, any, letter } kind = letter;
  char is = 0;
  std::size_t bytes = 1;
};
Part part_at(std::string_view glob, std::size_t at) {
  if (glob[at] == '*') return {Part::run, 0, 1};
  if (glob[at] == '?') return {Part::any, 0, 1};
  if (glob[at] == '\\' && at + 1 < glob.size()) return {Part::letter, glob[at + 1], 2};
  return {Part::letter, glob[at], 1};
}

// Linear memory, worst case |glob|·|text|: globs come from administrators, not callers.
bool glob_matches(std::string_view glob, std::string_view text) {
  constexpr std::size_t kNone = std::string_view::npos;
  std::size_t g = 0, t = 0, after_run = kNone, resume = 0;
  while (t < text.size()) {
    const Part part = g < glob.size() ? part_at(glob, g) : Part{Part::letter, 0, 0};
    if (part.kind == Part::run) {
      after_run = ++g;
      resume = t;
    } else if (part.bytes > 0 && (part.kind == Part::any || part.is == text[t])) {
      g += part.bytes;
      ++t;
    } else if (after_run != kNone) {
      g = after_run;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (g < glob.size() && glob[g] == '*') ++g;
  return g == glob.size();
}

bool escapes_are_whole(std::string_view glob) {
  for (std::size_t at = 0; at < glob.size(); ++at) {
    if (glob[at] != '\\') continue;
    if (++at == glob.size() || std::string_view("*?\\").find(glob[at]) == std::string_view::npos)
      return false;
  }
  return true;
}

}  // namespace

Result<std::string> read_pattern(std::string_view written, PatternSyntax syntax) {
  const bool has_wild = written.find_first_of(kWild) != std::string_view::npos;
  if (syntax == PatternSyntax::version_1) return has_wild ? marked(written) : exactly(written);
  if (written.starts_with(kExact)) {
    const std::string_view name = written.substr(kExact.size());
    if (name.empty()) return fail(Code::policy_invalid, "\"exact:\" names nothing");
    return exactly(name);
  }
  if (written.starts_with(kGlob)) {
    const std::string_view glob = written.substr(kGlob.size());
    if (glob.empty()) return fail(Code::policy_invalid, "\"glob:\" can match no name");
    if (!escapes_are_whole(glob))
      return fail(
          Code::policy_invalid,
          "\"" + std::string(written) + "\": a backslash stands before '*', '?' or another one");
    return std::string(written);
  }
  // Neither guess is safe: as a name it would grant less and deny less than was meant, as a glob
  // more.
  if (has_wild)
    return fail(Code::policy_invalid,
                "\"" + std::string(written) + "\" is written \"glob:" + std::string(written) +
                    "\" as a pattern, or \"exact:" + std::string(written) + "\" as a name");
  return std::string(written);
}

bool is_glob(std::string_view pattern) {
  return pattern.starts_with(kGlob);
}

std::string_view body_of(std::string_view pattern) {
  if (pattern.starts_with(kGlob)) return pattern.substr(kGlob.size());
  return pattern.starts_with(kExact) ? pattern.substr(kExact.size()) : pattern;
}

bool matches_any(std::string_view pattern) {
  return is_glob(pattern) && body_of(pattern) == "*";
}

bool pattern_matches(std::string_view pattern, std::string_view text) {
  return is_glob(pattern) ? glob_matches(body_of(pattern), text) : body_of(pattern) == text;
}

std::string example_of(std::string_view pattern) {
  const std::string_view body = body_of(pattern);
  if (!is_glob(pattern)) return std::string(body);
  std::string text;
  for (std::size_t at = 0; at < body.size();) {
    const Part part = part_at(body, at);
    at += part.bytes;
    text += part.kind == Part::run   ? "\1\2\3\4\5\6\7\10"
            : part.kind == Part::any ? std::string("\1")
                                     : std::string(1, part.is);
  }
  return text;
}

}  // namespace nae::policy

#include "keyserver/policy/warnings.hpp"

#include "keyserver/policy/pattern.hpp"

namespace nae::policy {
namespace {

// Hashes and random bytes are nobody's secret.
bool gives_keys(const Rule& rule) {
  return rule.result != Verdict::deny && !rule.keys.empty();
}

std::string in_words(const Rule& rule, std::string_view pattern) {
  const std::string start =
      "line " + std::to_string(rule.line) + ": rule \"" + rule.name + "\" allows ";
  if (matches_any(pattern)) return start + "every role, also those that are created later";
  return start + "every role that matches \"" + std::string(pattern) +
         "\": who may create or rename roles in a database makes one";
}

}  // namespace

std::vector<std::string> warnings(const Document& document) {
  std::vector<std::string> found;
  for (const Rule& rule : document.rules) {
    if (!gives_keys(rule)) continue;
    for (const std::string& pattern : rule.roles)
      if (is_glob(pattern)) found.push_back(in_words(rule, pattern));
  }
  return found;
}

}  // namespace nae::policy

// Reads TOML tables of the policy field by field; every refusal names its line.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "keyserver/policy/document.hpp"
#include "keyserver/policy/pattern.hpp"
#include "libnae/base/result.hpp"
#include "libnae/toml/toml.hpp"

namespace nae::policy {

tl::unexpected<Error> refuse(std::uint32_t line, std::string reason);
std::uint32_t line_of(const toml::node& node);
std::string quoted(std::string_view text);

// Whatever is not expected is refused, because a misspelt condition that is ignored would widen a
// rule in silence.
Result<void> only_fields(const toml::table& table, std::string_view where,
                         std::initializer_list<std::string_view> fields);

Result<std::string> text_field(const toml::table& table, std::string_view field);
Result<std::string> name_field(const toml::table& table);
Result<std::string> description_field(const toml::table& table);
Result<std::optional<bool>> boolean_field(const toml::table& table, std::string_view field);
Result<std::optional<std::int64_t>> integer_field(const toml::table& table, std::string_view field,
                                                  std::int64_t least, std::int64_t most);
// An offset date-time in microseconds of Unix time.
Result<std::optional<std::int64_t>> time_field(const toml::table& table, std::string_view field);

struct Entry {
  std::string text;
  std::uint32_t line = 0;
};
std::vector<std::string> texts(std::vector<Entry> entries);

// The strings of a list; an absent field answers none, an empty list is refused: whether it means
// "any" or "none" must not be guessed.
Result<std::vector<Entry>> list_field(const toml::table& table, std::string_view field);

// Patterns over names that others give: roles, databases, users.
Result<std::vector<std::string>> free_patterns(const toml::table& table, std::string_view field,
                                               PatternSyntax syntax);
// Patterns over names of ours, whose alphabet is narrow.
Result<std::vector<Entry>> name_patterns(const toml::table& table, std::string_view field,
                                         PatternSyntax syntax);

bool has_control_characters(std::string_view text);

// Patterns over names that the document declares in [[kind]].
template <class T>
Result<std::vector<std::string>> declared_patterns(const toml::table& table, std::string_view field,
                                                   const std::vector<T>& declared,
                                                   std::string_view kind, PatternSyntax syntax) {
  NAE_ASSIGN(std::vector<Entry> entries, name_patterns(table, field, syntax));
  for (const Entry& entry : entries)
    if (!is_glob(entry.text) && std::ranges::find(declared, entry.text, &T::name) == declared.end())
      return refuse(entry.line, "no [[" + std::string(kind) + "]] is named " + quoted(entry.text));
  return texts(std::move(entries));
}

// Both in their own files.
Result<Issuer> read_issuer(const toml::table& table);
Result<Rule> read_rule(const toml::table& table, const Document& document, Written written);

}  // namespace nae::policy

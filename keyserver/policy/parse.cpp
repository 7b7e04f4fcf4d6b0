// The only place that knows TOML. Each table is read front to back; whatever is not expected is
// refused, because a misspelt condition that is ignored would widen a rule in silence.
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include <algorithm>
#include <initializer_list>

#include "keyserver/policy/document.hpp"
#include "libnae/base/text.hpp"

namespace nae::policy {
namespace {

tl::unexpected<Error> refuse(std::uint32_t line, std::string reason) {
  return fail(Code::policy_invalid, "line " + std::to_string(line) + ": " + std::move(reason));
}

std::uint32_t line_of(const toml::node& node) {
  return node.source().begin.line;
}

std::string quoted(std::string_view text) {
  return "\"" + std::string(text) + "\"";
}

Result<void> only_fields(const toml::table& table, std::string_view where,
                         std::initializer_list<std::string_view> fields) {
  for (const auto& [key, node] : table)
    if (std::ranges::find(fields, key.str()) == fields.end())
      return refuse(key.source().begin.line,
                    "unknown field " + quoted(key.str()) + " in " + std::string(where));
  return {};
}

Result<std::string> text_field(const toml::table& table, std::string_view field) {
  const toml::node* node = table.get(field);
  if (node == nullptr) return refuse(line_of(table), "field " + quoted(field) + " is missing");
  const auto* text = node->as_string();
  if (text == nullptr) return refuse(line_of(*node), quoted(field) + " must be a string");
  return text->get();
}

Result<std::string> name_field(const toml::table& table) {
  NAE_ASSIGN(std::string text, text_field(table, "name"));
  if (!is_name(text))
    return refuse(line_of(*table.get("name")),
                  "a name has 1 to 128 letters, digits, '.', '_' or '-' and starts with a letter "
                  "or digit");
  return text;
}

Result<std::string> description_field(const toml::table& table) {
  if (!table.contains("description")) return std::string();
  return text_field(table, "description");
}

struct Entry {
  std::string text;
  std::uint32_t line;
};

// The strings of a list; an absent field answers none, an empty list is refused: whether it means
// "any" or "none" must not be guessed.
Result<std::vector<Entry>> list_field(const toml::table& table, std::string_view field) {
  std::vector<Entry> entries;
  const toml::node* node = table.get(field);
  if (node == nullptr) return entries;
  const toml::array* array = node->as_array();
  if (array == nullptr) return refuse(line_of(*node), quoted(field) + " must be a list of strings");
  if (array->empty())
    return refuse(line_of(*node), quoted(field) + " is empty; leave it out to mean any");
  if (array->size() > kMaxListEntries)
    return refuse(line_of(*node),
                  quoted(field) + " has more than " + std::to_string(kMaxListEntries) + " entries");
  for (const toml::node& element : *array) {
    const auto* text = element.as_string();
    if (text == nullptr) return refuse(line_of(element), quoted(field) + " must hold strings only");
    if (std::ranges::find(entries, text->get(), &Entry::text) != entries.end())
      return refuse(line_of(element), quoted(text->get()) + " stands twice in " + quoted(field));
    entries.push_back({text->get(), line_of(element)});
  }
  return entries;
}

bool is_glob(std::string_view text) {
  return text.find_first_of("*?") != std::string_view::npos;
}

bool has_control_characters(std::string_view text) {
  return std::ranges::any_of(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

// PostgreSQL lets roles and databases have almost any name.
Result<std::vector<std::string>> free_patterns(const toml::table& table, std::string_view field) {
  std::vector<std::string> patterns;
  NAE_ASSIGN(std::vector<Entry> entries, list_field(table, field));
  for (Entry& entry : entries) {
    if (entry.text.empty() || entry.text.size() > kMaxPatternBytes ||
        has_control_characters(entry.text))
      return refuse(entry.line, "a pattern in " + quoted(field) + " has 1 to " +
                                    std::to_string(kMaxPatternBytes) +
                                    " bytes and no control characters");
    patterns.push_back(std::move(entry.text));
  }
  return patterns;
}

// Patterns over names of ours, whose alphabet is narrow.
Result<std::vector<Entry>> name_patterns(const toml::table& table, std::string_view field) {
  NAE_ASSIGN(std::vector<Entry> entries, list_field(table, field));
  for (const Entry& entry : entries) {
    std::string letters = entry.text;
    std::ranges::replace_if(
        letters, [](char c) { return c == '*' || c == '?'; }, 'x');
    if (!is_name(letters))
      return refuse(entry.line, quoted(entry.text) + " in " + quoted(field) +
                                    " can match no name: names have 1 to 128 letters, digits, "
                                    "'.', '_' or '-'");
  }
  return entries;
}

std::vector<std::string> texts(std::vector<Entry> entries) {
  std::vector<std::string> list;
  for (Entry& entry : entries) list.push_back(std::move(entry.text));
  return list;
}

template <class T>
Result<std::vector<std::string>> declared_patterns(const toml::table& table, std::string_view field,
                                                   const std::vector<T>& declared,
                                                   std::string_view kind) {
  NAE_ASSIGN(std::vector<Entry> entries, name_patterns(table, field));
  for (const Entry& entry : entries)
    if (!is_glob(entry.text) && std::ranges::find(declared, entry.text, &T::name) == declared.end())
      return refuse(entry.line, "no [[" + std::string(kind) + "]] is named " + quoted(entry.text));
  return texts(std::move(entries));
}

Result<Device> read_device(const toml::table& table) {
  NAE_TRY(only_fields(table, "[[device]]", {"name", "description"}));
  Device device;
  NAE_ASSIGN(device.name, name_field(table));
  NAE_ASSIGN(device.description, description_field(table));
  return device;
}

Result<Program> read_program(const toml::table& table) {
  NAE_TRY(only_fields(table, "[[program]]", {"name", "description", "executables", "sha256"}));
  Program program;
  NAE_ASSIGN(program.name, name_field(table));
  NAE_TRY(description_field(table));
  NAE_ASSIGN(std::vector<Entry> executables, list_field(table, "executables"));
  for (Entry& entry : executables) {
    if (!entry.text.starts_with('/') || has_control_characters(entry.text))
      return refuse(entry.line, "an executable is named by its absolute path");
    program.executables.push_back(std::move(entry.text));
  }
  NAE_ASSIGN(std::vector<Entry> digests, list_field(table, "sha256"));
  for (const Entry& entry : digests) {
    auto digest = from_hex(entry.text);
    if (!digest || digest->size() != 32)
      return refuse(entry.line, "a SHA-256 digest has 64 hexadecimal digits");
    std::ranges::copy(*digest, program.sha256.emplace_back().begin());
  }
  return program;
}

Result<Verdict> read_result(const toml::table& table) {
  NAE_ASSIGN(std::string text, text_field(table, "result"));
  for (Verdict verdict : {Verdict::value, Verdict::deny})
    if (text == name(verdict)) return verdict;
  return refuse(line_of(*table.get("result")), "result is \"value\" or \"deny\"");
}

Result<Rule> read_rule(const toml::table& table, const Document& document) {
  NAE_TRY(only_fields(table, "[[rule]]",
                      {"name", "description", "roles", "databases", "devices", "programs", "keys",
                       "actions", "result"}));
  Rule rule;
  rule.line = line_of(table);
  NAE_ASSIGN(rule.name, name_field(table));
  NAE_TRY(description_field(table));
  NAE_ASSIGN(rule.roles, free_patterns(table, "roles"));
  if (rule.roles.empty()) return refuse(rule.line, "field \"roles\" is missing");
  NAE_ASSIGN(rule.databases, free_patterns(table, "databases"));
  NAE_ASSIGN(rule.devices, declared_patterns(table, "devices", document.devices, "device"));
  NAE_ASSIGN(rule.programs, declared_patterns(table, "programs", document.programs, "program"));
  NAE_ASSIGN(std::vector<Entry> keys, name_patterns(table, "keys"));
  rule.keys = texts(std::move(keys));
  NAE_ASSIGN(std::vector<Entry> actions, list_field(table, "actions"));
  if (actions.empty()) return refuse(rule.line, "field \"actions\" is missing");
  bool some_use_a_key = false;
  for (const Entry& entry : actions) {
    auto action = action_from_name(entry.text);
    if (!action) return refuse(entry.line, "unknown action " + quoted(entry.text));
    rule.actions.insert(*action);
    some_use_a_key = some_use_a_key || uses_key(*action);
  }
  if (some_use_a_key && rule.keys.empty())
    return refuse(rule.line, "field \"keys\" is missing; write [\"*\"] to mean every key");
  if (!some_use_a_key && !rule.keys.empty())
    return refuse(rule.line, "\"keys\" has no meaning for hash and random");
  NAE_ASSIGN(rule.result, read_result(table));
  return rule;
}

// Reads every table of [[kind]] with `read`; an absent kind answers none.
template <class T, class Read>
Result<std::vector<T>> read_tables(const toml::table& root, std::string_view kind, Read read) {
  std::vector<T> list;
  const toml::node* node = root.get(kind);
  if (node == nullptr) return list;
  const toml::array* tables = node->as_array();
  if (tables == nullptr || !tables->is_array_of_tables())
    return refuse(line_of(*node), "write [[" + std::string(kind) + "]]");
  if (tables->size() > kMaxRules)
    return refuse(line_of(*node),
                  "more than " + std::to_string(kMaxRules) + " of [[" + std::string(kind) + "]]");
  for (const toml::node& element : *tables) {
    NAE_ASSIGN(T item, read(*element.as_table()));
    if (std::ranges::find(list, item.name, &T::name) != list.end())
      return refuse(line_of(element),
                    "a second [[" + std::string(kind) + "]] is named " + quoted(item.name));
    list.push_back(std::move(item));
  }
  return list;
}

Result<Document> read_document(const toml::table& root) {
  NAE_TRY(only_fields(root, "the document", {"version", "device", "program", "rule"}));
  const toml::node* version = root.get("version");
  if (version == nullptr) return refuse(1, "field \"version\" is missing");
  Document document;
  if (version->is_integer()) document.version = version->as_integer()->get();
  if (document.version != kFormatVersion)
    return refuse(line_of(*version), "this server reads version = 1");
  NAE_ASSIGN(document.devices, read_tables<Device>(root, "device", read_device));
  NAE_ASSIGN(document.programs, read_tables<Program>(root, "program", read_program));
  NAE_ASSIGN(document.rules, read_tables<Rule>(root, "rule", [&](const toml::table& table) {
               return read_rule(table, document);
             }));
  return document;
}

}  // namespace

Result<Document> parse(std::string_view text) {
  if (text.size() > kMaxDocumentBytes)
    return fail(Code::policy_invalid,
                "the document is longer than " + std::to_string(kMaxDocumentBytes) + " bytes");
  toml::parse_result parsed = toml::parse(text);
  if (!parsed)
    return refuse(parsed.error().source().begin.line, std::string(parsed.error().description()));
  return read_document(parsed.table());
}

}  // namespace nae::policy

#include "keyserver/policy/fields.hpp"

#include <chrono>

#include "libnae/base/text.hpp"

namespace nae::policy {

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

Result<std::optional<bool>> boolean_field(const toml::table& table, std::string_view field) {
  const toml::node* node = table.get(field);
  if (node == nullptr) return std::nullopt;
  const auto* value = node->as_boolean();
  if (value == nullptr) return refuse(line_of(*node), quoted(field) + " must be true or false");
  return value->get();
}

Result<std::optional<std::int64_t>> integer_field(const toml::table& table, std::string_view field,
                                                  std::int64_t least, std::int64_t most) {
  const toml::node* node = table.get(field);
  if (node == nullptr) return std::nullopt;
  const auto* value = node->as_integer();
  if (value == nullptr || value->get() < least || value->get() > most)
    return refuse(line_of(*node), quoted(field) + " must be a whole number from " +
                                      std::to_string(least) + " to " + std::to_string(most));
  return value->get();
}

Result<std::optional<std::int64_t>> time_field(const toml::table& table, std::string_view field) {
  using namespace std::chrono;
  const toml::node* node = table.get(field);
  if (node == nullptr) return std::nullopt;
  const auto* value = node->as_date_time();
  if (value == nullptr || !value->get().offset)
    return refuse(line_of(*node), quoted(field) +
                                      " must be a date and time with its offset: "
                                      "2026-01-31T08:00:00+01:00");
  const toml::date_time& at = value->get();
  sys_days day{
      year_month_day(year(at.date.year), month(at.date.month), std::chrono::day(at.date.day))};
  auto time = day.time_since_epoch() + hours(at.time.hour) + minutes(at.time.minute) +
              seconds(at.time.second) - minutes(at.offset->minutes);
  return duration_cast<microseconds>(time).count() + at.time.nanosecond / 1000;
}

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

bool has_control_characters(std::string_view text) {
  return std::ranges::any_of(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

namespace {

// Reads each entry as a pattern and holds what it says against `is_good`; `refusal` says why not.
template <class Good, class Refusal>
Result<std::vector<Entry>> patterns(const toml::table& table, std::string_view field,
                                    PatternSyntax syntax, Good is_good, Refusal refusal) {
  NAE_ASSIGN(std::vector<Entry> entries, list_field(table, field));
  for (Entry& entry : entries) {
    auto pattern = read_pattern(entry.text, syntax);
    if (!pattern) return refuse(entry.line, pattern.error().message);
    if (!is_good(*pattern)) return refuse(entry.line, refusal(entry.text));
    entry.text = *std::move(pattern);
  }
  return entries;
}

}  // namespace

// PostgreSQL lets roles and databases have almost any name.
Result<std::vector<std::string>> free_patterns(const toml::table& table, std::string_view field,
                                               PatternSyntax syntax) {
  auto is_good = [](std::string_view pattern) {
    const std::string_view body = body_of(pattern);
    return !body.empty() && body.size() <= kMaxPatternBytes && !has_control_characters(body);
  };
  auto refusal = [&](const std::string&) {
    return "a pattern in " + quoted(field) + " has 1 to " + std::to_string(kMaxPatternBytes) +
           " bytes and no control characters";
  };
  NAE_ASSIGN(std::vector<Entry> entries, patterns(table, field, syntax, is_good, refusal));
  return texts(std::move(entries));
}

Result<std::vector<Entry>> name_patterns(const toml::table& table, std::string_view field,
                                         PatternSyntax syntax) {
  auto is_good = [](std::string_view pattern) {
    std::string letters(body_of(pattern));
    if (is_glob(pattern))
      std::ranges::replace_if(
          letters, [](char c) { return c == '*' || c == '?'; }, 'x');
    return is_name(letters);
  };
  auto refusal = [&](const std::string& written) {
    return quoted(written) + " in " + quoted(field) +
           " can match no name: names have 1 to 128 letters, digits, '.', '_' or '-'";
  };
  return patterns(table, field, syntax, is_good, refusal);
}

std::vector<std::string> texts(std::vector<Entry> entries) {
  std::vector<std::string> list;
  list.reserve(entries.size());
  for (Entry& entry : entries) list.push_back(std::move(entry.text));
  return list;
}

}  // namespace nae::policy

#include "libnae/toml/fields.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>

namespace nae::toml_fields {

Result<toml::table> parse(std::string_view text, const std::string& source, Code code) {
  toml::parse_result result = toml::parse(text, source);
  if (!result)
    return fail(code, source + ":" + std::to_string(result.error().source().begin.line) + ": " +
                          std::string(result.error().description()));
  return std::move(result).table();
}

Result<toml::table> parse_file(const std::filesystem::path& file, Code code) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return fail(code, "cannot read " + file.string());
  std::string text(std::istreambuf_iterator<char>(in), {});
  return parse(text, file.string(), code);
}

const toml::node* Fields::take(std::string_view field) {
  seen_.emplace(field);
  return table_.get(field);
}

void Fields::refuse_at(const toml::node* node, std::string_view field, const std::string& why) {
  if (error_) return;
  auto line = (node ? node->source() : table_.source()).begin.line;
  std::string at = where_.empty() ? std::string(field) : where_ + "." + std::string(field);
  error_ = Error(code_, source_ + ":" + std::to_string(line) + ": " + at + ": " + why);
}

void Fields::refuse(std::string_view field, const std::string& why) {
  refuse_at(table_.get(field), field, why);
}

void Fields::require(std::string_view field) {
  if (!has(field)) refuse(field, "is required");
}

void Fields::text(std::string_view field, std::string& out) {
  const toml::node* node = take(field);
  if (!node) return;
  if (auto value = node->value_exact<std::string>())
    out = *value;
  else
    refuse_at(node, field, "must be a text");
}

void Fields::texts(std::string_view field, std::vector<std::string>& out) {
  const toml::node* node = take(field);
  if (!node) return;
  const toml::array* list = node->as_array();
  if (!list || list->empty()) return refuse_at(node, field, "must be a list of texts, not empty");
  std::vector<std::string> values;
  for (const toml::node& element : *list) {
    auto value = element.value_exact<std::string>();
    if (!value) return refuse_at(&element, field, "must hold texts only");
    values.push_back(*value);
  }
  out = std::move(values);
}

void Fields::word(std::string_view field, std::string& out,
                  std::span<const std::string_view> words) {
  const toml::node* node = take(field);
  if (!node) return;
  auto value = node->value_exact<std::string>();
  if (value && std::ranges::find(words, *value) != words.end()) {
    out = *value;
    return;
  }
  std::string known;
  for (const std::string_view& each : words) {
    if (!known.empty()) known += &each == &words.back() ? " or " : ", ";
    known += each;
  }
  refuse_at(node, field, "must be " + known);
}

void Fields::boolean(std::string_view field, bool& out) {
  const toml::node* node = take(field);
  if (!node) return;
  if (auto value = node->value_exact<bool>())
    out = *value;
  else
    refuse_at(node, field, "must be true or false");
}

void Fields::path(std::string_view field, std::filesystem::path& out,
                  const std::filesystem::path& base) {
  std::string value;
  text(field, value);
  if (value.empty()) {
    if (has(field)) refuse(field, "must not be empty");
    return;
  }
  out = base / value;  // an absolute value replaces the base
}

std::optional<std::int64_t> Fields::number(std::string_view field, std::int64_t least,
                                           std::int64_t most) {
  const toml::node* node = take(field);
  if (!node) return std::nullopt;
  auto value = node->value_exact<std::int64_t>();
  if (!value || *value < least || *value > most) {
    refuse_at(
        node, field,
        "must be a whole number from " + std::to_string(least) + " to " + std::to_string(most));
    return std::nullopt;
  }
  return value;
}

const toml::table* Fields::table(std::string_view field) {
  const toml::node* node = take(field);
  if (!node) return nullptr;
  if (!node->as_table()) refuse_at(node, field, "must be a table");
  return node->as_table();
}

std::vector<const toml::table*> Fields::tables(std::string_view field) {
  std::vector<const toml::table*> found;
  const toml::node* node = take(field);
  if (!node) return found;
  if (!node->is_array_of_tables()) {
    refuse_at(node, field, "must be an array of tables");
    return found;
  }
  for (const toml::node& element : *node->as_array()) found.push_back(element.as_table());
  return found;
}

Result<void> Fields::finish() {
  for (const auto& [field, node] : table_)
    if (!seen_.contains(field.str())) refuse_at(&node, field.str(), "is not a known field");
  if (error_) return fail(*error_);
  return {};
}

}  // namespace nae::toml_fields

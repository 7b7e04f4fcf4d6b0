// Reads TOML tables field by field and refuses what it was not told to expect: a typing error in
// a configuration or policy must never pass as a default.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libnae/base/result.hpp"
#include "libnae/toml/toml.hpp"

namespace nae::toml_fields {

// Parses `text`; the error names `source` and the line.
Result<toml::table> parse(std::string_view text, const std::string& source, Code code);
Result<toml::table> parse_file(const std::filesystem::path& file, Code code);

// One table. Each read names a field once; the first failure is kept and finish() answers it.
// A field that is absent leaves its target as it was, unless it is required.
class Fields {
 public:
  // `where` is how messages call the table: "server", "rule 3".
  Fields(const toml::table& table, std::string source, std::string where, Code code)
      : table_(table), source_(std::move(source)), where_(std::move(where)), code_(code) {}

  void text(std::string_view field, std::string& out);
  void texts(std::string_view field, std::vector<std::string>& out);  // an array, not empty
  // A text that is one of `words`, none of which is empty; another leaves `out` as it was.
  void word(std::string_view field, std::string& out, std::span<const std::string_view> words);
  void boolean(std::string_view field, bool& out);
  // A path; a relative one starts at `base`.
  void path(std::string_view field, std::filesystem::path& out, const std::filesystem::path& base);
  template <class T>
  void integer(std::string_view field, T& out, std::int64_t least, std::int64_t most) {
    if (auto value = number(field, least, most)) out = static_cast<T>(*value);
  }
  template <class Rep, class Period>
  void duration(std::string_view field, std::chrono::duration<Rep, Period>& out, std::int64_t least,
                std::int64_t most) {
    if (auto value = number(field, least, most)) out = std::chrono::duration<Rep, Period>(*value);
  }
  // A sub-table, or nullptr; and an array of tables, possibly empty.
  const toml::table* table(std::string_view field);
  std::vector<const toml::table*> tables(std::string_view field);

  bool has(std::string_view field) const { return table_.contains(field); }
  void require(std::string_view field);
  // Records a failure that the caller found in a field's value.
  void refuse(std::string_view field, const std::string& why);

  // The first failure; also refuses fields that nothing asked for.
  Result<void> finish();

 private:
  const toml::node* take(std::string_view field);
  std::optional<std::int64_t> number(std::string_view field, std::int64_t least, std::int64_t most);
  void refuse_at(const toml::node* node, std::string_view field, const std::string& why);

  const toml::table& table_;
  std::string source_;
  std::string where_;
  Code code_;
  std::set<std::string, std::less<>> seen_;
  std::optional<Error> error_;
};

}  // namespace nae::toml_fields

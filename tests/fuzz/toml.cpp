// libFuzzer: TOML as all of us read it. A document is refused with its source and line; whatever a
// table holds, reading its fields ends in values of their type and range or in one refusal.
#include "libnae/toml/fields.hpp"

#include "tests/fuzz/toml_mutator.hpp"

using namespace nae;
using namespace nae::fuzz;
using toml_fields::Fields;

namespace {

void read_fields(const toml::table& table, int depth) {
  Fields fields(table, "fuzz", "table", Code::config_invalid);
  std::string text;
  std::vector<std::string> texts;
  bool boolean = false;
  std::int64_t number = 5;
  std::filesystem::path path = "/kept";
  std::chrono::seconds duration{7};
  fields.text("text", text);
  fields.texts("texts", texts);
  fields.boolean("boolean", boolean);
  fields.integer("number", number, 1, 10);
  fields.duration("duration", duration, 7, 9);
  fields.path("path", path, "/base");
  const toml::table* inner = fields.table("table");
  auto tables = fields.tables("tables");
  fields.require("text");
  require(number >= 1 && number <= 10 && duration.count() >= 7 && duration.count() <= 9);
  require(path.is_absolute());
  if (depth < 4) {
    if (inner != nullptr) read_fields(*inner, depth + 1);
    for (const toml::table* each : tables) read_fields(*each, depth + 1);
  }
  auto finished = fields.finish();
  constexpr std::string_view kKnown[] = {"text",     "texts", "boolean", "number",
                                         "duration", "path",  "table",   "tables"};
  if (!finished) {
    require_refusal(finished.error(), Code::config_invalid);
    require(finished.error().message.starts_with("fuzz:"));
    return;
  }
  require(table.contains("text"));
  for (const auto& [name, node] : table)
    require(std::ranges::find(kKnown, name.str()) != std::end(kKnown));
}

}  // namespace

NAE_MUTATE_TOML

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto table = toml_fields::parse(text_of(data, size), "fuzz", Code::config_invalid);
  if (!table) {
    require_refusal(table.error(), Code::config_invalid);
    require(table.error().message.starts_with("fuzz:"));
    return 0;
  }
  read_fields(*table, 0);
  return 0;
}

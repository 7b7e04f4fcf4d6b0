// libFuzzer: a gateway's route file. It is refused with a line and a field, or each route says what
// it claims and for which columns.
#include "gateway/inspection/canonical_value.hpp"
#include "gateway/inspection/route.hpp"
#include "libnae/base/text.hpp"
#include "tests/fuzz/memory_file.hpp"
#include "tests/fuzz/toml_mutator.hpp"

using namespace nae;
using namespace nae::fuzz;

NAE_MUTATE_TOML

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const MemoryFile file;
  file.write(text_of(data, size));
  const auto table = gateway::load_routes(file.path());
  if (!table) {
    require_refusal(table.error(), Code::config_invalid);
    return 0;
  }
  require(!table->routes().empty());
  for (const gateway::Route& route : table->routes()) {
    require(is_name(route.name) && route.path.starts_with('/') && !route.role.empty());
    require(!route.fields.empty() || !route.detectors.empty() || !route.answers.empty());
    for (const gateway::Field& field : route.fields) {
      const gateway::ColumnTarget& column = field.handling.column;
      if (field.handling.treatment == gateway::Treatment::refuse) continue;
      require(is_name(column.key) && gateway::is_written(column.type) && column.version > 0);
    }
  }
  return 0;
}

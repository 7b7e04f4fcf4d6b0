// nae_whoami(), nae_agent_stats(): tables of a name and a value.
#include "pg_nae/functions/table_result.hpp"
#include "pg_nae/pg/lookup.hpp"

namespace nae::functions {
namespace {

constexpr std::string_view kWhoamiColumns[] = {"property", "value"};
constexpr std::string_view kStatsColumns[] = {"name", "value"};

Datum pairs(FunctionCallInfo fcinfo, wire::LookupSubject subject,
            std::span<const std::string_view> columns) {
  const Table& table = pg::run_lookup(subject);
  expect_columns(table, columns);
  TableResult result(fcinfo, 2);
  for (const auto& row : table.rows) {
    Datum values[2];
    bool nulls[2];
    for (std::size_t i = 0; i < 2; ++i) values[i] = text_cell(row[i], nulls[i]);
    result.add(values, nulls);
  }
  return Datum{0};
}

}  // namespace
}  // namespace nae::functions

using namespace nae;

NAE_FUNCTION(nae_whoami) {
  return functions::pairs(fcinfo, wire::LookupSubject::whoami, functions::kWhoamiColumns);
}
NAE_FUNCTION(nae_agent_stats) {
  return functions::pairs(fcinfo, wire::LookupSubject::agent_stats, functions::kStatsColumns);
}

// nae_keys(): the keys that the effective role may use, and for what.
#include "pg_nae/functions/table_result.hpp"
#include "pg_nae/pg/lookup.hpp"
#include "pg_nae/pg/report.hpp"
#include "pg_nae/pg/values.hpp"

namespace nae::functions {
namespace {

constexpr std::string_view kColumns[] = {"name",    "type",    "state", "primary_version",
                                         "actions", "results", "rules", "origin"};
constexpr std::size_t kColumnsWithoutOrigin = 7;  // of a key server before 0.2.0

// A version counts from 1 and has 16 bits; NULL where no version is primary.
Datum version_cell(const std::optional<std::string>& cell, bool& is_null) {
  is_null = !cell.has_value() || cell->empty();
  if (is_null) return Datum{0};
  int version = 0;
  for (char c : *cell) {
    if (c < '0' || c > '9' || version > UINT16_MAX)
      pg::raise(Code::protocol_violation, "the answer to a lookup holds no version number");
    version = version * 10 + (c - '0');
  }
  return Int32GetDatum(version);
}

// The wire separates names by commas or blanks.
Datum names_cell(const std::optional<std::string>& cell, bool& is_null) {
  is_null = !cell.has_value();
  if (is_null) return Datum{0};
  std::string_view rest = *cell;
  auto* names = static_cast<Datum*>(palloc(sizeof(Datum) * (rest.size() / 2 + 1)));
  int count = 0;
  constexpr std::string_view kSeparators = ", ";
  for (;;) {
    rest.remove_prefix(std::min(rest.find_first_not_of(kSeparators), rest.size()));
    if (rest.empty()) break;
    std::string_view name = rest.substr(0, rest.find_first_of(kSeparators));
    names[count++] = pg::make_text(as_bytes(name));
    rest.remove_prefix(name.size());
  }
  return PointerGetDatum(construct_array(names, count, TEXTOID, -1, false, TYPALIGN_INT));
}

}  // namespace
}  // namespace nae::functions

using namespace nae;

NAE_FUNCTION(nae_keys) {
  const Table& table = pg::run_lookup(wire::LookupSubject::keys);
  const bool has_origin = table.columns.size() != functions::kColumnsWithoutOrigin;
  functions::expect_columns(table, std::span(functions::kColumns)
                                       .first(has_origin ? std::size(functions::kColumns)
                                                         : functions::kColumnsWithoutOrigin));
  functions::TableResult result(fcinfo, static_cast<int>(std::size(functions::kColumns)));
  for (const auto& row : table.rows) {
    Datum values[std::size(functions::kColumns)];
    bool nulls[std::size(functions::kColumns)];
    for (std::size_t i = 0; i < 3; ++i) values[i] = functions::text_cell(row[i], nulls[i]);
    values[3] = functions::version_cell(row[3], nulls[3]);
    for (std::size_t i = 4; i < 7; ++i) values[i] = functions::names_cell(row[i], nulls[i]);
    nulls[7] = true;
    if (has_origin) values[7] = functions::text_cell(row[7], nulls[7]);
    result.add(values, nulls);
  }
  return Datum{0};
}

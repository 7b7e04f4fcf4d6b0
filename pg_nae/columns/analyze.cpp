// ANALYZE of randomized columns: no two values are equal and none is less than another, so there is
// nothing to compare. What is left is how many are NULL and how wide they are.
#include "pg_nae/pg/postgres.hpp"

namespace nae::columns {
namespace {

constexpr int kMinimumRowsPerTarget = 300;  // as for other types

void compute(VacAttrStatsP stats, AnalyzeAttrFetchFunc fetch, int rows, double) {
  int nulls = 0;
  double bytes = 0;
  for (int row = 0; row < rows; ++row) {
#if PG_VERSION_NUM >= 180000
    vacuum_delay_point(true);
#else
    vacuum_delay_point();
#endif
    bool is_null;
    Datum value = fetch(stats, row, &is_null);
    if (is_null)
      ++nulls;
    else
      bytes += static_cast<double>(toast_datum_size(value));
  }
  if (rows == 0) return;
  stats->stats_valid = true;
  stats->stanullfrac = static_cast<float4>(nulls) / static_cast<float4>(rows);
  stats->stawidth = nulls == rows ? 0 : static_cast<int32>(bytes / (rows - nulls));
  // Every value that is not NULL is one of its own.
  stats->stadistinct = static_cast<float4>(-1.0 * (1.0 - stats->stanullfrac));
}

}  // namespace
}  // namespace nae::columns

NAE_FUNCTION(nae_randomized_analyze) {
  auto* stats = reinterpret_cast<VacAttrStats*>(PG_GETARG_POINTER(0));
#if PG_VERSION_NUM >= 170000
  auto& target = stats->attstattarget;
#else
  auto& target = stats->attr->attstattarget;
#endif
  if (target < 0) target = default_statistics_target;
  stats->compute_stats = nae::columns::compute;
  stats->minrows = nae::columns::kMinimumRowsPerTarget * target;
  PG_RETURN_BOOL(true);
}

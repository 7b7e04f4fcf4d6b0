// nae_batch_stats(): what batches took in this backend since it began.
#include "pg_nae/batch/node.hpp"
#include "pg_nae/pg/release.hpp"

namespace nae::batch {
namespace {

std::uint64_t batches = 0;
std::uint64_t rows = 0;
pg::Traffic total;
std::uint64_t refused_plans = 0;

}  // namespace

void count_batch(std::size_t batch_rows, const pg::Traffic& traffic) {
  ++batches;
  rows += batch_rows;
  total.add(traffic);
}

std::uint64_t count_refused_plan() {
  return ++refused_plans;
}

}  // namespace nae::batch

NAE_FUNCTION(nae_batch_stats) {
  using namespace nae::batch;
  TupleDesc description;
  if (get_call_result_type(fcinfo, nullptr, &description) != TYPEFUNC_COMPOSITE)
    elog(ERROR, "return type must be a row type");
  const std::uint64_t counts[] = {batches,
                                  rows,
                                  total.round_trips,
                                  total.requests,
                                  total.items,
                                  total.bytes_sent,
                                  total.bytes_received};
  constexpr std::size_t kCounts = std::size(counts);
  Datum fields[kCounts + 2];
  nae::pg::expect_known_columns(description, kCounts + 2);
  bool nulls[kCounts + 2] = {};
  for (std::size_t i = 0; i < kCounts; ++i)
    fields[i] = Int64GetDatum(static_cast<std::int64_t>(counts[i]));
  fields[kCounts] = Float8GetDatum(static_cast<double>(total.wait_ns) / 1e6);
  fields[kCounts + 1] = Int64GetDatum(static_cast<std::int64_t>(refused_plans));
  return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(description), fields, nulls));
}

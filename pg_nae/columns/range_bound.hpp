// RangeBound of PostgreSQL's values: what a range of dates or numbers begins or ends with.
#pragma once

#include "pg_nae/columns/search_input.hpp"

namespace nae::columns {

// Dates, times and numbers: values that a range may have as its bounds. False for all others.
bool find_bound_type(Oid type, PlainType& plain);

// What stands where a range has no bound: a NULL of a type that bounds do not have. A bound that is
// NULL is another thing: nothing is within it.
inline constexpr Oid kNoBound = BOOLOID;

// NULL is no bound. In the memory of the current context, or a view of the value; another type that
// has no bounds raises.
RangeBound range_bound(Oid type, Datum value, bool is_null);

}  // namespace nae::columns

// Fault: what is wrong with a stored value, in words. A value that opens has none.
#pragma once

#include "pg_nae/columns/value.hpp"

namespace nae::columns {

// What the value itself shows, without the key server; nullptr when that must be asked. `typmod` is
// the column's.
const char* apparent_fault(Datum datum, int32 typmod, Value& value);
// What the key server's answer means; nullptr when it says nothing about the value.
const char* fault_of(Code code);

}  // namespace nae::columns

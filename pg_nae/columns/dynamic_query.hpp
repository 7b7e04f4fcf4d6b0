// RETURN QUERY EXECUTE: PL/pgSQL hands its text to SPI like anybody's, and tells its plugins alone
// which statement runs. This is such a plugin, which tells whoever was there before.
#pragma once

#include "pg_nae/pg/postgres.hpp"

namespace nae::columns {

// Once, when the library is loaded.
void install_dynamic_query();

// The function whose RETURN QUERY EXECUTE the text belongs to that is being analyzed; nullptr.
const PLpgSQL_function* function_that_returns_dynamically();

}  // namespace nae::columns

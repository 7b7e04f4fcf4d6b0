// BoundStatements: statements with parameters over encrypted columns. While a parameter is bound no
// hook is called, and one that cannot be read is quoted in the error: the log looks the statement
// up.
#pragma once

namespace nae::columns {

// Called once, from _PG_init, after install_client_edge().
void install_bound_statements();

}  // namespace nae::columns

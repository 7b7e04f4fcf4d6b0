// CastHint: what PostgreSQL cannot resolve over an encrypted type it reports before anybody else
// has seen the statement. Its error stays as it is, and its hint names the cast that mends the
// statement.
#pragma once

namespace nae::columns {

// Called once, from _PG_init.
void install_cast_hint();

}  // namespace nae::columns

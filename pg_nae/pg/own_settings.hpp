// OwnSettings: under what settings the extension's own statements run, whatever the session, its
// role and its database have.
#pragma once

#include "pg_nae/pg/postgres.hpp"

namespace nae::pg {

// Until the settings' nest level ends: of a function with a SET clause, when that returns.
void use_own_settings();

}  // namespace nae::pg

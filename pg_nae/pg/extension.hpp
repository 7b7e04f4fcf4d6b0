// The extension as this database's catalogs know it.
#pragma once

#include "pg_nae/pg/postgres.hpp"

namespace nae::pg {

// InvalidOid where the extension is not installed, or is of a release without encrypted columns.
Oid extension_id();
Oid column_schema();                          // nae: what people name
Oid internal_schema();                        // nae_internal: what only the extension calls
Oid relation_of_extension(const char* name);  // of nae_internal
Oid extension_owner();                        // raises when there is none
bool is_of_extension(Oid catalog, Oid object);
// The same for many objects: looking for the extension takes as long as looking at one.
bool is_member(Oid extension, Oid catalog, Oid object);

}  // namespace nae::pg

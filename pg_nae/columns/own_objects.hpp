// The extension's own objects: what they are called and where they stand is how values of encrypted
// columns are known. Nobody renames, moves or replaces them, or puts something beside them.
#pragma once

#include "pg_nae/pg/hook.hpp"

namespace nae::columns {

extern pg::Hook<ProcessUtility_hook_type> own_objects_utility_hook;
extern pg::Hook<object_access_hook_type> own_objects_access_hook;

}  // namespace nae::columns

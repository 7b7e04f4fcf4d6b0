// The extension's own objects: what they are called and where they stand is how values of encrypted
// columns are known. Nobody renames, moves or replaces them, or puts something beside them.
#pragma once

namespace nae::columns {

// Called once, from _PG_init.
void install_own_object_hooks();

}  // namespace nae::columns

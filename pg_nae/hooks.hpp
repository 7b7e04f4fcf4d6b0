// All hooks of the extension: which, and in which order.
#pragma once

namespace nae {

// Once, from _PG_init.
void install_hooks();

}  // namespace nae

// Scopes in which errors lose the values they quote: planning, execution and utility statements.
#pragma once

namespace nae::batch {

// Called once, from _PG_init, after every other hook of this library.
void install_error_scopes();

}  // namespace nae::batch

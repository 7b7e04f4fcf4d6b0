// The function of the trigger that keeps the codes of a blind index.
#pragma once

#include "pg_nae/columns/coding.hpp"

namespace nae::columns {

// Whose codes the function makes: its owner, in whose name it runs. InvalidOid unless it does what
// the coding says and nothing else: anybody may name a trigger like ours, and put a function of
// another's there that is not to code what he likes.
Oid coder_of(const Coding& coding);

}  // namespace nae::columns

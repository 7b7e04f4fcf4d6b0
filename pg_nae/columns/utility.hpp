// Utility statements over encrypted columns: those that store what they read keep it encrypted, and
// COPY FROM encrypts many rows at once.
#pragma once

namespace nae::columns {

// While a statement is executed that stores what it reads, the queries that are parsed for it are
// not opened for a client.
bool keeps_ciphertext();

// Called once, from _PG_init.
void install_utility_hook();

}  // namespace nae::columns

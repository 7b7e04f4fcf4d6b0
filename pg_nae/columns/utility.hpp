// Utility statements over encrypted columns: those that store what they read keep it encrypted, and
// COPY FROM encrypts many rows at once.
#pragma once

#include "pg_nae/pg/hook.hpp"

namespace nae::columns {

// While a statement is executed that stores what it reads, the queries that are parsed for it are
// not opened for a client.
bool keeps_ciphertext();
// While ALTER TABLE rewrites a table: what it decrypts stays.
bool rewrites_table();
// Raises for the query of CREATE TABLE AS, as it comes to the planner, when the table would hold
// plaintext that nobody asked for.
void refuse_unasked_plaintext(Query* query);

extern pg::Hook<ProcessUtility_hook_type> utility_hook;
extern pg::Hook<ExecutorRun_hook_type> run_hook;

}  // namespace nae::columns

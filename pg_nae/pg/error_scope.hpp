// ErrorScope: a stretch of execution in which errors of PostgreSQL are looked at, and lose what may
// quote a value of an encrypted column, before anybody catches, sends or logs them.
//
// As a callback of the error's context it runs where the error is made: PL/pgSQL's EXCEPTION sees
// what is left, too.
#pragma once

#include "pg_nae/pg/hidden_text.hpp"
#include "pg_nae/pg/hook.hpp"

namespace nae::pg {

struct ErrorScope {
  ErrorContextCallback callback;
  bool at_hand;  // whatever happens, values are: the plan mentions encrypted columns
  bool plans;    // values are once note_encrypted_query() was called
  std::uint64_t queries;
  const PlannedStmt* statement;  // that is executed, or nullptr
};

// The scope lives in the caller's frame and needs no end when an error passes.
void enter(ErrorScope& scope, bool at_hand, const PlannedStmt* statement = nullptr);
void enter_planning(ErrorScope& scope);
void leave(const ErrorScope& scope);

// A key server's answer to a decryption arrived: from now on the statement has values.
void note_decryption();
// How many arrived: a cursor that was left with some has them when it is run on.
std::uint64_t decryptions();
// The query that is planned mentions encrypted columns.
void note_encrypted_query();
// Whether the statement that is executed reads or writes a foreign table, whose wrapper makes
// values of what the other side sends by the types' input.
bool uses_foreign_table();

// Errors outside of every scope while this statement is at work, as while its parameters are bound,
// may quote what is to be encrypted or searched for.
void note_bound_statement(const char* text);

extern Hook<emit_log_hook_type> log_hook;

}  // namespace nae::pg

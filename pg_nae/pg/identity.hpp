// Who asks: the roles of this session as PostgreSQL knows them at the moment of the call.
#pragma once

#include "pg_nae/connection/agent_connection.hpp"
#include "pg_nae/pg/postgres.hpp"

namespace nae::pg {

struct StatementRoles {
  Oid effective;
  Oid session;
  Oid login;
  std::array<Byte, 32> user_digest;  // of nae.user_token
};

// Code::restricted_operation inside maintenance commands: they run functions as the owner of the
// table, so a hostile index expression or materialized view would decrypt in the owner's name.
void refuse_restricted_operation();

// Cheap: no catalog is read. The views live as long as the settings they point into.
backend::RoleKey current_role_key();

// The same for roles that were current when a statement began: its batches are asked in their name,
// whatever has become current since. Changes of memberships count all the same. Of a token only its
// digest is kept: Code::user_token_rejected when another user's is current, for a cursor that one
// user opened must not be read in the name of the next.
backend::RoleKey role_key_of(const StatementRoles& roles);
StatementRoles current_roles();

// Reads the catalogs; memory is the current context's. Code::role_undetermined when a role has no
// name or more memberships than a context may carry.
backend::RoleClaimsView current_role_claims(const backend::RoleKey& key);

}  // namespace nae::pg

// The tables of the store in PostgreSQL, in a schema of their own, nae_store.
#pragma once

#include "keyserver/store/postgresql/postgresql.hpp"

namespace nae::store::postgresql {

std::int64_t newest_schema();                     // that this server writes
inline constexpr std::int64_t kOldestSchema = 1;  // that it makes the newest of

// Whether the database has a store.
Result<bool> has_store(Database& database);

// Code::already_initialised when it has.
Result<void> check_no_store(Database& database);

// Makes the schema in a transaction that finish_schema() commits: its tables are there in between,
// and take rows that its triggers would not. Code::already_initialised when it exists.
Result<void> begin_schema(Database& database);
Result<void> finish_schema(Database& database);

// In the caller's transaction: the newest schema in the place of an older one.
Result<void> upgrade_schema(Database& database);

// As of sql::Database.
Result<void> forget_ledger(Database& database);
Result<std::int64_t> check_schema(Database& database);
Result<std::int64_t> schema_mark(Database& database);

}  // namespace nae::store::postgresql

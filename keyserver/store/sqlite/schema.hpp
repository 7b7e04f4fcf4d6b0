// The tables of the store and how a file of an older server becomes one of this server.
#pragma once

#include "keyserver/store/sqlite/sqlite.hpp"

namespace nae::store::sqlite {

inline constexpr std::int64_t kApplicationId = 0x4e414553;  // "NAES", in the file's header

// The schema this server writes.
std::int64_t newest_schema();

// Brings an empty or older file to the schema `to`, one transaction a step; tests stop at an older
// one. Code::store_version when a newer server wrote it.
Result<void> migrate(Database& database, std::int64_t to = newest_schema());

// In the caller's transaction: the ledger's tables, empty.
Result<void> forget_ledger(Database& database);

// In the caller's transaction: Code::store_corrupt, with its name, for a table, index, trigger or
// view that is not as migrate() makes it: what a hand has planted would write in the server's name.
// Answers the schema's number, which every change of it moves; what SQLite has parsed is of it.
Result<std::int64_t> check_schema(Database& database);

// Code::store_corrupt unless the file is a store and SQLite finds it sound.
Result<void> check_soundness(Database& database);

}  // namespace nae::store::sqlite

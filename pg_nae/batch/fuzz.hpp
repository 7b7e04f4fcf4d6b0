// Fuzz mode, only in builds with NAE_BATCH_FUZZ: PostgreSQL's own functions are batched and called
// in process, so that its regression suites test the surgery. Needs no agent and no extension.
#pragma once

#include "pg_nae/pg/postgres.hpp"

namespace nae::batch {

constexpr int kFuzzBatchSize = 7;

// Called once, from _PG_init, before the settings are: their prefix is reserved then.
void define_fuzz_setting();
bool fuzzing();

// A function of PostgreSQL that depends on nothing but its arguments.
bool is_fuzzed(Oid function);

}  // namespace nae::batch

// Failures as PostgreSQL errors.
#pragma once

#include "pg_nae/connection/failure.hpp"
#include "pg_nae/pg/postgres.hpp"

namespace nae::pg {

// Leaves by longjmp with the SQLSTATE of the code. `item`: 1-based place in an array, 0 for none.
[[noreturn]] void raise(const backend::Failure& failure, std::uint64_t item = 0);

// For failures found on this side; texts are literals or hold no value.
[[noreturn]] void raise(Code code, const char* message, const char* hint = nullptr,
                        std::uint64_t item = 0);

// The SQLSTATE of the code, as PostgreSQL packs it.
int sqlstate_of(Code code) noexcept;

// At `location` of the statement `text`, in bytes; nowhere when it is negative or beyond the text.
[[noreturn]] void raise_at(Code code, const char* message, const char* hint, const char* text,
                           int location);

}  // namespace nae::pg

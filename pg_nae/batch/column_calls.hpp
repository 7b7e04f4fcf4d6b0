// Calls of encrypted columns: nae.plain() and the length coercion that encrypts, of many rows.
#pragma once

#include "pg_nae/batch/batchable.hpp"

namespace nae::batch {

Reading read_encryption(const Batchable& how, std::span<const Datum> arguments, Item& item);
Reading read_search_token(const Batchable& how, std::span<const Datum> arguments, Item& item);
Reading read_rewrap(const Batchable& how, std::span<const Datum> arguments, Item& item);
Reading read_decryption(const Batchable& how, std::span<const Datum> arguments, Item& item);

Datum make_ciphertext(const Batchable& how, const Answer& answer);
Datum make_rewrapped(const Batchable& how, const Answer& answer);
Datum make_plaintext(const Batchable& how, const Answer& answer);

}  // namespace nae::batch

// Calls of encrypted columns, of many rows: the length coercion that encrypts,
// nae_internal.search_token(), nae.rewrap() and nae_internal.plain(). How they are read
// from rows and what is made of the answers.
#pragma once

#include "pg_nae/batch/batchable.hpp"

namespace nae::batch {

Reading read_encryption(const Batchable& how, std::span<const Datum> arguments, Item& item);
Reading read_search_token(const Batchable& how, std::span<const Datum> arguments, Item& item);
Reading read_rewrap(const Batchable& how, std::span<const Datum> arguments, Item& item);
Reading read_decryption(const Batchable& how, std::span<const Datum> arguments, Item& item);
Reading read_fault(const Batchable& how, std::span<const Datum> arguments, Item& item);

Datum make_ciphertext(const Batchable& how, const Answer& answer);
Datum make_rewrapped(const Batchable& how, const Answer& answer);
Datum make_search_codes(const Batchable& how, const Answer& answer);
Datum make_plaintext(const Batchable& how, const Answer& answer);

}  // namespace nae::batch

// What a request asks for, as policy, limits, messages and the audit speak of it. Read from what
// stands before the items, so that requests without a context are recorded in the same words.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "keyserver/audit/record.hpp"
#include "keyserver/keys/key_ring.hpp"
#include "keyserver/operations/crypto_request.hpp"

namespace nae::operations {

// decrypt of what was encrypted to a public key: neither key nor version stands in the items.
bool decrypts_by_scheme(const CryptoRequest& asked);

// encrypt or decrypt by a mode of AES that the request names: no envelope.
bool names_cipher_mode(const CryptoRequest& asked);

// encrypt in its form search_token.
bool asks_for_search_tokens(const CryptoRequest& asked);

// mac in its form blind_index_search; or in the old form for a version that is named, in which
// nothing new is written: writers of the old form name none.
bool searches_blind_index(const CryptoRequest& asked);

// search in its form searched.
bool searches_index(const CryptoRequest& asked);

// What limits count: items, and of search the tokens in them. An item without a token counts as
// one, as does one that is malformed.
std::uint64_t charged_items(const CryptoRequest& asked);

// "encrypt", "mac-verify" and so on, and audit::kSearchAct.
std::string_view act_of(const CryptoRequest& asked);

// The key without a version: rules over names and the counters of limits must not be escaped, nor
// the records of a key be scattered, by naming a version. Only what works by one version
// splits its reference: no key has a name with a colon, so that the other actions know no such
// key.
std::string_view key_name_of(const CryptoRequest& asked);

// The key as far as it is known before an item was read. Of decrypt and rewrap of envelopes nobody
// knows it, and hash and random have none: a name that the asker adds is not recorded as one.
std::string_view recorded_key_of(const CryptoRequest& asked);

// Of a request that is refused as a whole, without verdict and reason. Refers to the request.
audit::Record record_of_refused(const CryptoRequest& asked, const keys::KeyRing& ring,
                                std::int64_t now_us);

// The version that is asked for; nothing: the primary one. Code::invalid_argument when what
// follows the colon is no decimal number from 1 to 65535 or begins with a zero: one version has one
// reference.
Result<std::optional<std::uint16_t>> version_of(const CryptoRequest& asked);

}  // namespace nae::operations

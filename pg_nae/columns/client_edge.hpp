// ClientEdge: where rows leave for a client or for SPI, encrypted columns become plaintexts. The
// query itself is changed, right after it was parsed: RowDescription, cursors and prepared
// statements all speak of the plaintext types. Whatever does not come by here yields ciphertext.
#pragma once

#include "pg_nae/pg/hook.hpp"

namespace nae::columns {

extern pg::Hook<post_parse_analyze_hook_type> client_edge_hook;

}  // namespace nae::columns

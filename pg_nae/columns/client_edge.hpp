// ClientEdge: where rows leave for a client or for SPI, encrypted columns become plaintexts. The
// query itself is changed, right after it was parsed: RowDescription, cursors and prepared
// statements all speak of the plaintext types. Whatever does not come by here yields ciphertext.
#pragma once

namespace nae::columns {

// Called once, from _PG_init.
void install_client_edge();

}  // namespace nae::columns

// ColumnType: the encrypted types of this database, nae.enc_text and the others, with the functions
// and operators that go with each.
#pragma once

#include "pg_nae/columns/plaintext.hpp"

namespace nae::columns {

struct ColumnType {
  Oid type;
  uint32 hash;  // of its row in pg_type, as invalidations name it
  Oid array_type;
  PlainType plain;
  bool deterministic;
  Oid encrypt;        // enc(enc, int4, bool): the length coercion
  Oid pend;           // enc(plain)
  Oid decrypt;        // plain(enc)
  Oid decrypt_of;     // plain(enc, int4)
  Oid decrypt_whole;  // plain(enc, int4, bool)
  Oid decrypt_array;  // plain(enc[])
  // Of deterministic types:
  Oid search_token;        // search_token(enc, int4)
  Oid search_token_array;  // search_token(enc[], int4)
  Oid pend_array;          // enc(plain[])
  Oid equal, not_equal;    // operators (enc, enc)
};

// Whether this database may have columns of such types: the extension is there. The one test that
// every other statement pays.
bool has_column_types();
// The same without reading catalogs, which this session may not have done yet: then the first
// answers true, the second false.
bool may_have_column_types();
bool knows_column_types();

// nullptr when the type is none of them, nor a domain over one.
const ColumnType* find_column_type(Oid type);
const ColumnType* find_column_type_of_array(Oid array_type);
// A cast to another type than the plaintext's, by way of that.
bool is_cast_of(const ColumnType& type, Oid function);
// Of the extension's schema, where the functions of encrypted types are.
bool is_column_function(Oid function);
// nae_internal.plain_row(record)
Oid row_decryption();
// nae_internal.one_of(anyelement)
Oid representative_aggregate();
// `type` is one of them itself; raises when it is not.
const ColumnType& column_type(Oid type);

}  // namespace nae::columns

// Casts of arrays: what casts.cpp has for single values, in one request for all elements. WHERE ssn
// = ANY (...) of a deterministic column needs them.
#include "pg_nae/columns/casts.hpp"
#include "pg_nae/columns/crypt.hpp"
#include "pg_nae/pg/report.hpp"

namespace nae::columns {
namespace {

// The elements of an array, those that are NULL among them.
struct Elements {
  ArrayType* array;
  Datum* datums;
  bool* nulls;
  int count;
};

Elements elements_of(Datum datum) {
  Elements elements;
  elements.array = DatumGetArrayTypeP(datum);
  Oid type = ARR_ELEMTYPE(elements.array);
  int16 length;
  bool by_value;
  char alignment;
  get_typlenbyvalalign(type, &length, &by_value, &alignment);
  deconstruct_array(elements.array, type, length, by_value, alignment, &elements.datums,
                    &elements.nulls, &elements.count);
  return elements;
}

Datum array_of(const Elements& elements, Oid type) {
  int16 length;
  bool by_value;
  char alignment;
  get_typlenbyvalalign(type, &length, &by_value, &alignment);
  return PointerGetDatum(construct_md_array(
      elements.datums, elements.nulls, ARR_NDIM(elements.array), ARR_DIMS(elements.array),
      ARR_LBOUND(elements.array), type, length, by_value, alignment));
}

template <class T>
T* room_for(int count) {
  return static_cast<T*>(palloc(sizeof(T) * (static_cast<std::size_t>(count) + 1)));
}

// Those of a plaintext become tokens in place.
void replace_by_tokens(const Elements& elements, const ColumnKey& key, const ColumnType& type) {
  auto* plaintexts = room_for<ByteView>(elements.count);
  int* places = room_for<int>(elements.count);
  std::size_t count = 0;
  for (int i = 0; i < elements.count; ++i) {
    if (elements.nulls[i]) continue;
    Value value = read_value(elements.datums[i]);
    expect_type(value, type.plain);
    if (!value.pending) {
      expect_to_belong(value, key);
      continue;
    }
    plaintexts[count] = value.plaintext;
    places[count++] = i;
  }
  Datum* tokens = room_for<Datum>(elements.count);
  if (count != 0) search_tokens(key, type.plain, {plaintexts, count}, tokens);
  for (std::size_t i = 0; i < count; ++i) elements.datums[places[i]] = tokens[i];
}

void replace_by_plaintexts(const Elements& elements, PlainType type) {
  auto* ciphertexts = room_for<Value>(elements.count);
  int* places = room_for<int>(elements.count);
  std::size_t count = 0;
  for (int i = 0; i < elements.count; ++i) {
    if (elements.nulls[i]) continue;
    Value value = read_value(elements.datums[i]);
    expect_type(value, type);
    if (value.pending) {
      elements.datums[i] = plain_value(type, value.plaintext);
      continue;
    }
    ciphertexts[count] = value;
    places[count++] = i;
  }
  Datum* plaintexts = room_for<Datum>(elements.count);
  bool* nulls = room_for<bool>(elements.count);
  if (count != 0) decrypt_values(type, {ciphertexts, count}, false, plaintexts, nulls);
  for (std::size_t i = 0; i < count; ++i) {
    elements.datums[places[i]] = plaintexts[i];
    elements.nulls[places[i]] = nulls[i];
  }
}

}  // namespace
}  // namespace nae::columns

using namespace nae;
using namespace nae::columns;

// nae_internal.enc_T(plain[])
NAE_FUNCTION(nae_column_pend_array) {
  const ColumnType& type = *find_column_type_of_array(result_type(fcinfo));
  Elements elements = elements_of(PG_GETARG_DATUM(0));
  for (int i = 0; i < elements.count; ++i)
    if (!elements.nulls[i]) elements.datums[i] = pend(type, elements.datums[i]);
  return array_of(elements, type.type);
}

// nae_internal.search_token(enc[], typmod)
NAE_FUNCTION(nae_column_search_token_array) {
  Elements elements = elements_of(PG_GETARG_DATUM(0));
  const ColumnType& type = column_type(ARR_ELEMTYPE(elements.array));
  replace_by_tokens(elements, column_key(PG_GETARG_INT32(1)), type);
  return array_of(elements, type.type);
}

// nae_internal.plain(enc[])
NAE_FUNCTION(nae_column_decrypt_array) {
  Elements elements = elements_of(PG_GETARG_DATUM(0));
  PlainType plain = column_type(ARR_ELEMTYPE(elements.array)).plain;
  // Their plaintext would be an array of more dimensions, of which PostgreSQL makes something else.
  if (is_array(plain))
    pg::raise(Code::unsupported, "an array of encrypted arrays is not decrypted",
              "Cast what goes into it, as in ARRAY[tags::text[]] or array_agg(tags::text[]).");
  replace_by_plaintexts(elements, plain);
  return array_of(elements, plain_oid(plain));
}

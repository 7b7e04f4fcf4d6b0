// Casts of arrays: what casts.cpp has for single values, in one request for all elements. WHERE ssn
// = ANY (...) of a deterministic column needs them.
#include "pg_nae/columns/casts.hpp"
#include "pg_nae/columns/crypt.hpp"
#include "pg_nae/pg/error_scope.hpp"
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

void replace_by_plaintexts(const Elements& elements, PlainType type, DecryptedValues* values) {
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
  if (count != 0) decrypt_values(type, {ciphertexts, count}, false, plaintexts, nulls, values);
  for (std::size_t i = 0; i < count; ++i) {
    elements.datums[places[i]] = plaintexts[i];
    elements.nulls[places[i]] = nulls[i];
  }
}

Datum decrypted_array(Datum datum, DecryptedValues* values) {
  Elements elements = elements_of(datum);
  PlainType plain = column_type(ARR_ELEMTYPE(elements.array)).plain;
  // Their plaintext would be an array of more dimensions, of which PostgreSQL makes something else.
  if (is_array(plain))
    pg::raise(Code::unsupported, "an array of encrypted arrays is not decrypted",
              "Cast what goes into it, as in ARRAY[tags::text[]] or array_agg(tags::text[]).");
  replace_by_plaintexts(elements, plain, values);
  return array_of(elements, plain_oid(plain));
}

// An array that stays the same while rows go by, as one that a sub-select has made: the array of
// one call of the statement that was decrypted last.
struct LastArray {
  pg::Arena arena;
  ByteView given;
  Datum made;
  std::uint64_t serial;

  static ByteView bytes_of(Datum array) {
    auto* varlena = reinterpret_cast<struct varlena*>(DatumGetPointer(array));
    return {reinterpret_cast<const Byte*>(varlena), VARSIZE_ANY(varlena)};
  }
  ByteView copied(ByteView bytes) {
    char* copy = arena.allocate(bytes.size());
    std::memcpy(copy, bytes.data(), bytes.size());
    return {reinterpret_cast<const Byte*>(copy), bytes.size()};
  }
  bool is_of(ByteView array, const DecryptedValues& values) const {
    return serial == values.serial() && given.size() == array.size() &&
           std::memcmp(given.data(), array.data(), array.size()) == 0;
  }
  void keep(ByteView array, Datum plain, const DecryptedValues& values) {
    given = copied(array);
    made = PointerGetDatum(copied(bytes_of(plain)).data());
    serial = values.serial();
  }
};

LastArray& last_array_of(FunctionCallInfo fcinfo) {
  void*& kept = fcinfo->flinfo->fn_extra;
  if (kept == nullptr) {
    MemoryContext before = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
    auto* last = static_cast<LastArray*>(palloc0(sizeof(LastArray)));
    last->arena.create();
    kept = last;
    MemoryContextSwitchTo(before);
  }
  return *static_cast<LastArray*>(kept);
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
  DecryptedValues* values = values_of(fcinfo);
  if (values == nullptr) return decrypted_array(PG_GETARG_DATUM(0), nullptr);
  Datum array = PointerGetDatum(PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(0)));
  LastArray& last = last_array_of(fcinfo);
  values->ask_as(pg::current_roles());
  if (last.is_of(LastArray::bytes_of(array), *values)) {
    pg::note_decryption();
    return last.made;
  }
  last.arena.reset();
  last.given = {};
  Datum made = decrypted_array(array, values);
  last.keep(LastArray::bytes_of(array), made, *values);
  return last.made;
}

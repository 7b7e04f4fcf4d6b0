#include "pg_nae/columns/canonical_array.hpp"

#include "pg_nae/columns/canonical_form.hpp"

namespace nae::columns {
namespace {

constexpr std::size_t kNumberBytes = 4;
constexpr std::size_t kDimensionBytes = 2 * kNumberBytes;  // length, lower bound
constexpr std::uint32_t kNull = 0xffffffff;                // in the place of an element's length

// How PostgreSQL lays out elements of a type.
struct Layout {
  Oid type;
  int16 length;
  bool by_value;
  char alignment;
};

Layout layout_of(Oid type) {
  Layout layout{type, 0, false, 0};
  get_typlenbyvalalign(type, &layout.length, &layout.by_value, &layout.alignment);
  return layout;
}

[[noreturn]] void raise_malformed_array(PlainType element) {
  raise_malformed(static_cast<PlainType>(static_cast<Byte>(element) | NAE_ARRAY_BIT));
}

Byte* write_number(Byte* place, std::uint32_t number) {
  store_big_endian(place, number);
  return place + kNumberBytes;
}

Byte* write_dimensions(Byte* place, const ArrayType* array) {
  *place++ = static_cast<Byte>(ARR_NDIM(array));
  for (int i = 0; i < ARR_NDIM(array); ++i) {
    place = write_number(place, static_cast<std::uint32_t>(ARR_DIMS(array)[i]));
    place = write_number(place, static_cast<std::uint32_t>(ARR_LBOUND(array)[i]));
  }
  return place;
}

// The bytes of an array, read from their beginning.
struct Cursor {
  PlainType element;
  ByteView rest;

  ByteView take(std::size_t size) {
    if (rest.size() < size) raise_malformed_array(element);
    ByteView taken = rest.first(size);
    rest = rest.subspan(size);
    return taken;
  }
  std::uint32_t number() { return load_big_endian<std::uint32_t>(take(kNumberBytes).data()); }
};

struct Shape {
  int dimensions = 0;
  int lengths[MAXDIM];
  int lower_bounds[MAXDIM];
  int count = 0;  // of elements
};

// An empty array has no dimensions. PostgreSQL's own checks refuse what no array can have.
void read_shape(Cursor& cursor, Shape& shape) {
  shape.dimensions = cursor.take(1)[0];
  if (shape.dimensions > MAXDIM) raise_malformed_array(cursor.element);
  for (int i = 0; i < shape.dimensions; ++i) {
    shape.lengths[i] = static_cast<int>(cursor.number());
    shape.lower_bounds[i] = static_cast<int>(cursor.number());
    if (shape.lengths[i] < 1) raise_malformed_array(cursor.element);
  }
  shape.count = ArrayGetNItems(shape.dimensions, shape.lengths);
  ArrayCheckBounds(shape.dimensions, shape.lengths, shape.lower_bounds);
  // Before memory is asked for: each element has a length at least.
  if (static_cast<std::size_t>(shape.count) > cursor.rest.size() / kNumberBytes)
    raise_malformed_array(cursor.element);
}

}  // namespace

ByteView array_form(PlainType element, Datum datum) {
  const CanonicalForm& form = canonical_form_of(element);
  ArrayType* array = DatumGetArrayTypeP(datum);
  if (ARR_ELEMTYPE(array) != form.oid)
    elog(ERROR, "an array of type %u is not taken for one of %s", ARR_ELEMTYPE(array),
         plain_name(element));
  Layout layout = layout_of(form.oid);
  Datum* datums;
  bool* nulls;
  int count;
  deconstruct_array(array, layout.type, layout.length, layout.by_value, layout.alignment, &datums,
                    &nulls, &count);
  auto* forms =
      static_cast<ByteView*>(palloc0(sizeof(ByteView) * (static_cast<std::size_t>(count) + 1)));
  std::size_t size = 1 + kDimensionBytes * static_cast<std::size_t>(ARR_NDIM(array));
  for (int i = 0; i < count; ++i) {
    if (!nulls[i]) forms[i] = form.write(datums[i], false);
    size += kNumberBytes + forms[i].size();
  }
  auto* bytes = static_cast<Byte*>(palloc(size));
  Byte* place = write_dimensions(bytes, array);
  for (int i = 0; i < count; ++i) {
    place = write_number(place, nulls[i] ? kNull : static_cast<std::uint32_t>(forms[i].size()));
    if (!forms[i].empty()) std::memcpy(place, forms[i].data(), forms[i].size());
    place += forms[i].size();
  }
  return {bytes, size};
}

Datum array_value(PlainType element, ByteView canonical) {
  const CanonicalForm& form = canonical_form_of(element);
  Cursor cursor{element, canonical};
  Shape shape;
  read_shape(cursor, shape);
  const std::size_t count = static_cast<std::size_t>(shape.count);
  auto* datums = static_cast<Datum*>(palloc0(sizeof(Datum) * (count + 1)));
  auto* nulls = static_cast<bool*>(palloc0(sizeof(bool) * (count + 1)));
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t size = cursor.number();
    nulls[i] = size == kNull;
    if (!nulls[i]) datums[i] = form.read(element, cursor.take(size));
  }
  if (!cursor.rest.empty()) raise_malformed_array(element);
  Layout layout = layout_of(form.oid);
  return PointerGetDatum(construct_md_array(datums, nulls, shape.dimensions, shape.lengths,
                                            shape.lower_bounds, layout.type, layout.length,
                                            layout.by_value, layout.alignment));
}

}  // namespace nae::columns

#include "pg_nae/pg/values.hpp"

#include "libnae/wire/limits.hpp"
#include "pg_nae/pg/encoding.hpp"
#include "pg_nae/pg/report.hpp"
#include "pg_nae/pg/settings.hpp"

namespace nae::pg {
namespace {

template <class T>
T* allocate(std::size_t count) {
  return static_cast<T*>(MemoryContextAllocHuge(CurrentMemoryContext, sizeof(T) * (count + 1)));
}

void check_size(Datum value, std::size_t overhead_bytes, std::uint64_t place) {
  std::size_t size = toast_raw_datum_size(value) - VARHDRSZ;
  std::size_t limit = settings.max_value_bytes();
  if (size <= limit + overhead_bytes) return;
  raise(Code::value_too_large,
        psprintf("value of %zu bytes is larger than nae.max_value_size (%zu bytes)", size, limit),
        nullptr, place);
}

ByteView view_of(Datum value) {
  auto* packed = PG_DETOAST_DATUM_PACKED(value);
  return {reinterpret_cast<const Byte*>(VARDATA_ANY(packed)), VARSIZE_ANY_EXHDR(packed)};
}

struct ElementLayout {
  int16 length;
  bool by_value;
  char alignment;
};

ElementLayout layout_of(Oid type) {
  if (type == BOOLOID) return {1, true, TYPALIGN_CHAR};
  return {-1, false, TYPALIGN_INT};  // bytea, text
}

}  // namespace

Elements one_element(Datum value, bool is_text) {
  Elements one;
  one.datums = allocate<Datum>(1);
  one.nulls = allocate<bool>(1);
  one.datums[0] = value;
  one.nulls[0] = false;
  one.count = 1;
  one.is_text = is_text;
  return one;
}

Elements array_elements(Datum datum) {
  Elements elements;
  elements.array = DatumGetArrayTypeP(datum);
  Oid type = ARR_ELEMTYPE(elements.array);
  int count = 0;
  deconstruct_array(elements.array, type, -1, false, TYPALIGN_INT, &elements.datums,
                    &elements.nulls, &count);
  elements.count = static_cast<std::size_t>(count);
  elements.is_text = type == TEXTOID;
  return elements;
}

void spread_nulls(Elements& a, const Elements& b) {
  bool same = (a.array == nullptr) == (b.array == nullptr) && a.count == b.count;
  if (same && a.array != nullptr)
    same = ARR_NDIM(a.array) == ARR_NDIM(b.array) &&
           std::memcmp(ARR_DIMS(a.array), ARR_DIMS(b.array),
                       sizeof(int) * static_cast<std::size_t>(ARR_NDIM(a.array))) == 0;
  if (!same)
    raise(Code::invalid_argument, "the arrays differ in their number of elements",
          "Pass one signature or code for each message.");
  for (std::size_t i = 0; i < a.count; ++i) a.nulls[i] = a.nulls[i] || b.nulls[i];
}

std::span<const ByteView> non_null_views(const Elements& elements) {
  auto* views = allocate<ByteView>(elements.count);
  std::size_t count = 0;
  for (std::size_t i = 0; i < elements.count; ++i) {
    if (elements.nulls[i]) continue;
    std::uint64_t place = elements.array == nullptr ? 0 : i + 1;
    check_size(elements.datums[i], elements.overhead_bytes, place);
    ByteView view = view_of(elements.datums[i]);
    views[count++] = elements.is_text ? to_utf8(view, place) : view;
  }
  return {views, count};
}

ByteView bytea_view(Datum value) {
  check_size(value, 0, 0);
  return view_of(value);
}

ByteView local_view(Datum value) {
  return view_of(value);
}

std::string_view text_view(Datum value) {
  return as_text(bytea_view(value));
}

Datum make_bytea(ByteView bytes) {
  auto* value = static_cast<bytea*>(palloc(VARHDRSZ + bytes.size()));
  SET_VARSIZE(value, VARHDRSZ + bytes.size());
  if (!bytes.empty()) std::memcpy(VARDATA(value), bytes.data(), bytes.size());
  return PointerGetDatum(value);
}

Datum make_text(ByteView bytes) {
  return make_bytea(bytes);
}

Results make_results(std::size_t count) {
  return {allocate<Datum>(count), allocate<bool>(count)};
}

Datum as_datum(const Elements& arguments, const Results& results, Oid type, bool& is_null) {
  is_null = false;
  if (arguments.array == nullptr) {
    is_null = results.nulls[0];
    return is_null ? Datum{0} : results.datums[0];
  }
  Results all = make_results(arguments.count);
  for (std::size_t i = 0, next = 0; i < arguments.count; ++i) {
    all.nulls[i] = arguments.nulls[i];
    all.datums[i] = Datum{0};
    if (arguments.nulls[i]) continue;
    all.nulls[i] = results.nulls[next];
    if (!all.nulls[i]) all.datums[i] = results.datums[next];
    ++next;
  }
  ElementLayout layout = layout_of(type);
  return PointerGetDatum(construct_md_array(
      all.datums, all.nulls, ARR_NDIM(arguments.array), ARR_DIMS(arguments.array),
      ARR_LBOUND(arguments.array), type, layout.length, layout.by_value, layout.alignment));
}

}  // namespace nae::pg

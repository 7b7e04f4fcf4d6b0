#include "pg_nae/batch/rows.hpp"

namespace nae::batch {
namespace {

bool is_expanded(Datum value, int16 length) {
  return length == -1 && VARATT_IS_EXTERNAL_EXPANDED(DatumGetPointer(value));
}

Datum copied(Datum value, int16 length, pg::Arena& arena) {
  if (is_expanded(value, length)) {
    ExpandedObjectHeader* object = DatumGetEOHP(value);
    Size bytes = EOH_get_flat_size(object);
    char* flat = arena.allocate(bytes);
    EOH_flatten_into(object, flat, bytes);
    return PointerGetDatum(flat);
  }
  Size bytes = datumGetSize(value, false, length);
  char* copy = arena.allocate(bytes);
  std::memcpy(copy, DatumGetPointer(value), bytes);
  return PointerGetDatum(copy);
}

}  // namespace

void Rows::create(TupleDesc child, int calls) {
  context_ = CurrentMemoryContext;
  child_columns_ = child->natts;
  calls_ = calls;
  columns_ =
      static_cast<Column*>(palloc(sizeof(Column) * static_cast<std::size_t>(child_columns_ + 1)));
  for (int i = 0; i < child_columns_; ++i) {
    auto* attribute = TupleDescAttr(child, i);
    columns_[i] = {attribute->attlen, attribute->attbyval};
  }
  values_ = nullptr;
  nulls_ = nullptr;
  count_ = capacity_ = 0;
}

void Rows::begin(std::size_t capacity) {
  count_ = 0;
  if (capacity <= capacity_) return;
  if (values_ != nullptr) pfree(values_);
  if (nulls_ != nullptr) pfree(nulls_);
  auto cells = capacity * static_cast<std::size_t>(width());
  values_ = static_cast<Datum*>(MemoryContextAllocHuge(context_, cells * sizeof(Datum)));
  nulls_ = static_cast<bool*>(MemoryContextAllocHuge(context_, cells));
  capacity_ = capacity;
}

void Rows::append(TupleTableSlot* slot, pg::Arena& arena) {
  slot_getallattrs(slot);
  Datum* values = this->values(count_);
  bool* nulls = this->nulls(count_);
  for (int i = 0; i < child_columns_; ++i) {
    nulls[i] = slot->tts_isnull[i];
    values[i] = slot->tts_values[i];
    if (!nulls[i] && !columns_[i].by_value)
      values[i] = copied(values[i], columns_[i].length, arena);
  }
  ++count_;
}

}  // namespace nae::batch

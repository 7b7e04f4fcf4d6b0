#include "pg_nae/batch/batch.hpp"

namespace nae::batch {

void Batch::create(TupleDesc child, Call* calls, int call_count, const pg::StatementRoles& roles,
                   ScanState* table_scan) {
  statement_ = CurrentMemoryContext;
  arena_.create();
  detoasted_ =
      AllocSetContextCreate(CurrentMemoryContext, "nae batch values", ALLOCSET_DEFAULT_SIZES);
  rows_.create(child, call_count);
  round_trip_.create(calls, static_cast<std::size_t>(call_count), roles);
  table_scan_ = table_scan;
}

void Batch::destroy() {
  if (detoasted_ == nullptr) return;
  round_trip_.drain();
  arena_.destroy();
  MemoryContextDelete(detoasted_);
  detoasted_ = nullptr;
}

void Batch::note_address(std::size_t row, std::size_t capacity) {
  if (table_scan_ == nullptr) return;
  if (address_capacity_ < capacity) {
    std::size_t bytes = capacity * sizeof(RowAddress);
    addresses_ =
        static_cast<RowAddress*>(addresses_ == nullptr ? MemoryContextAlloc(statement_, bytes)
                                                       : repalloc(addresses_, bytes));
    address_capacity_ = capacity;
  }
  TupleTableSlot* slot = table_scan_->ss_ScanTupleSlot;
  addresses_[row] = {slot->tts_tid, slot->tts_tableOid};
}

void Batch::read_rows(PlanState* child, std::size_t capacity, std::size_t max_bytes) {
  rows_.begin(capacity);
  while (rows_.count() < capacity && arena_.used_bytes() < max_bytes) {
    TupleTableSlot* slot = ExecProcNode(child);
    if (TupIsNull(slot)) {
      child_ended_ = true;
      return;
    }
    note_address(rows_.count(), capacity);
    rows_.append(slot, arena_);
  }
}

bool Batch::read(PlanState* child, std::size_t capacity, std::size_t max_bytes,
                 columns::DecryptedValues* decrypted) {
  arena_.reset();
  MemoryContextReset(detoasted_);
  child_ = child;
  child_ended_ = false;
  read_rows(child, capacity, max_bytes);
  MemoryContext before = MemoryContextSwitchTo(detoasted_);
  round_trip_.gather(rows_, arena_, decrypted);
  MemoryContextSwitchTo(before);
  return !child_ended_;
}

void Batch::finish() {
  MemoryContext before = MemoryContextSwitchTo(detoasted_);
  round_trip_.finish();
  MemoryContextSwitchTo(before);
}

std::span<const columns::WrittenValue> Batch::values_of(int column) {
  const auto place = static_cast<std::size_t>(column - 1);
  auto* values = arena_.allocate_array<columns::WrittenValue>(rows_.count());
  std::size_t count = 0;
  for (std::size_t row = 0; row < rows_.count(); ++row) {
    if (round_trip_.has_failed(row) || rows_.nulls(row)[place]) continue;
    columns::WrittenValue& written = values[count++];
    written = {rows_.values(row)[place], false, {}};
    if (place >= rows_.child_columns())
      written.has_plaintext =
          round_trip_.find_plaintext(row, place - rows_.child_columns(), written.plaintext);
  }
  return {values, count};
}

void Batch::drop() {
  round_trip_.drain();
  rows_.begin(0);
}

void Batch::store(std::size_t row, TupleTableSlot* slot) {
  if (round_trip_.has_failed(row))
    round_trip_.raise_failed(rows_, row, child_,
                             table_scan_ == nullptr ? nullptr : &addresses_[row].place);
  ExecClearTuple(slot);
  auto width = static_cast<std::size_t>(rows_.width());
  std::memcpy(slot->tts_values, rows_.values(row), sizeof(Datum) * width);
  std::memcpy(slot->tts_isnull, rows_.nulls(row), width);
  ExecStoreVirtualTuple(slot);
  if (table_scan_ == nullptr) return;
  slot->tts_tid = addresses_[row].place;
  slot->tts_tableOid = addresses_[row].table;
}

}  // namespace nae::batch

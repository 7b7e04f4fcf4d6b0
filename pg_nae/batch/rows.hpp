// Rows: the rows of one batch, each as the values of the child's columns and then the results of
// the calls.
#pragma once

#include "pg_nae/pg/arena.hpp"

namespace nae::batch {

class Rows {
 public:
  // For rows of `child_columns` columns of the given shape and `calls` results. Memory of the
  // current context, which outlives the batches.
  void create(TupleDesc child, int calls);

  // Room for so many rows; what was there is gone.
  void begin(std::size_t capacity);

  // Copies a row. Values behind references go to the arena; toasted ones stay toasted.
  void append(TupleTableSlot* slot, pg::Arena& arena);

  std::size_t count() const { return count_; }
  std::size_t child_columns() const { return static_cast<std::size_t>(child_columns_); }
  int width() const { return child_columns_ + calls_; }
  Datum* values(std::size_t row) { return values_ + row * static_cast<std::size_t>(width()); }
  bool* nulls(std::size_t row) { return nulls_ + row * static_cast<std::size_t>(width()); }
  Datum& result(std::size_t row, std::size_t call) {
    return values(row)[static_cast<std::size_t>(child_columns_) + call];
  }
  bool& result_null(std::size_t row, std::size_t call) {
    return nulls(row)[static_cast<std::size_t>(child_columns_) + call];
  }

 private:
  struct Column {
    int16 length;
    bool by_value;
  };
  Column* columns_;
  int child_columns_;
  int calls_;
  Datum* values_;
  bool* nulls_;
  std::size_t count_;
  std::size_t capacity_;
  MemoryContext context_;
};

}  // namespace nae::batch

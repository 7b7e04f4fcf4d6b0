#include "pg_nae/batch/code_ahead.hpp"

#include "pg_nae/batch/batch_plan.hpp"

namespace nae::batch {

// The same for each of a table's partitions.
void CodeAhead::add(int column, const columns::Coding* coding, const char* name) {
  for (int i = 0; i < count_; ++i)
    if (askings_[i].column == column && askings_[i].coding->same_as(*coding)) return;
  const std::size_t bytes = sizeof(Asking) * static_cast<std::size_t>(count_ + 1);
  askings_ = static_cast<Asking*>(askings_ == nullptr ? palloc(bytes) : repalloc(askings_, bytes));
  askings_[count_++] = {column, coding, nullptr};
  names_ = lappend(names_, const_cast<char*>(name));
}

void CodeAhead::create(const CustomScan* plan) {
  const List* coded_columns = coded_columns_of(plan);
  for (int i = 0; i < list_length(coded_columns); ++i) {
    const CodedColumn coded = coded_column(coded_columns, i);
    Relation relation = table_open(coded.table, NoLock);  // the executor's, which holds the lock
    ListCell* cell;
    foreach (cell, columns::codings_of(relation)) {
      const auto* coding = static_cast<const columns::Coding*>(lfirst(cell));
      if (coding->column != coded.written) continue;
      add(coded.column, coding, get_attname(coded.table, coding->code_column, false));
    }
    table_close(relation, NoLock);
  }
}

void CodeAhead::begin(const pg::StatementRoles& roles) {
  for (int i = 0; i < count_; ++i) {
    auto* codes = static_cast<columns::KnownCodes*>(palloc0(sizeof(columns::KnownCodes)));
    codes->create(*askings_[i].coding, roles);
    askings_[i].codes = codes;
  }
}

void CodeAhead::ask(Batch& batch, pg::Traffic& traffic) {
  for (int i = 0; i < count_; ++i) {
    if (askings_[i].codes == nullptr) continue;
    askings_[i].codes->ask(batch.values_of(askings_[i].column), traffic);
  }
}

}  // namespace nae::batch

// CopyLines: lines of a COPY that were read together. The fields of encrypted columns are asked for
// at once, and the lines written out as PostgreSQL's text format has them, with a number in the
// place of each encrypted field: its value need not be written as text to be read again.
#pragma once

#include "pg_nae/columns/known_codes.hpp"
#include "pg_nae/columns/value.hpp"
#include "pg_nae/pg/exchange.hpp"

namespace nae::columns {

// Of one field of the lines.
struct CopyColumn {
  const char* name;
  const ColumnKey* key;  // nullptr: not encrypted
  PlainType type;
  bool deterministic;
  FmgrInfo* input;  // the type's own, for ciphertexts that are copied in
  Oid input_parameter;
  bool force_null, force_not_null;  // of CSV
};

// What all lines of one COPY have in common.
struct CopyShape {
  const CopyColumn* columns;
  std::size_t column_count;
  const char* null_print;
};

// Zeroed memory of the statement, used for one batch after the other.
class CopyLines {
 public:
  void create(const CopyShape& shape, const pg::StatementRoles& roles);

  // Reads up to nae.batch_size lines, or work_mem; false when there are no more.
  bool read(CopyFromState source);
  std::size_t count() const { return count_; }
  void forget() { count_ = 0; }
  void begin_ahead() { exchange_.begin_ahead(); }
  // The lines in PostgreSQL's text format.
  StringInfo finish();
  // What is worked on, for errors: 0 and nullptr where that is no one line or column.
  uint64 line() const { return line_; }
  const char* column() const { return column_; }
  // What the number in the place of an encrypted field stands for.
  Datum value(std::size_t number) const { return values_[number]; }
  // All that stands in a column of the lines; memory is that of the lines.
  std::span<const WrittenValue> values_of(std::size_t column_number);

 private:
  // Fields of a column that are to be encrypted, and the numbers of their values.
  struct Asked {
    ByteView* items;
    std::size_t* numbers;
    std::size_t count;
    std::size_t capacity;
    ByteView aad;
  };

  void append(char** fields, int field_count);
  char* read_field(std::size_t column_number, char* field);
  char* number_of(std::size_t column_number, char* field);
  std::size_t add_value(std::size_t column_number, Datum value);
  void ask_for(std::size_t column_number, std::size_t number, char* field);
  void prepare();
  void write_field(const char* field);
  static void consume(void* lines, std::size_t request, std::size_t first,
                      const wire::CryptoReplyView& reply);
  static void refuse(void* lines, std::size_t request, std::size_t first, std::size_t count,
                     const backend::Failure& failure);

  CopyShape shape_;
  MemoryContext memory_;
  char*** lines_;      // fields of each line
  int* field_counts_;  // a line may have too few or too many: PostgreSQL's COPY says so
  std::size_t count_;
  std::size_t capacity_;
  std::size_t bytes_;
  Datum* values_;
  uint64* value_lines_;         // the line that each is from
  std::size_t* value_columns_;  // and the column
  ByteView* value_plaintexts_;  // what is encrypted; nullptr: a ciphertext was read
  std::size_t value_count_;
  std::size_t value_capacity_;
  Asked* asked_;                  // by column
  std::size_t* request_columns_;  // which column a request is of
  StringInfoData text_;
  pg::Exchange exchange_;
  pg::Traffic traffic_;
  uint64 line_;
  const char* column_;
};

}  // namespace nae::columns

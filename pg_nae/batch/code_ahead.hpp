// CodeAhead: the codes of what the rows of a batch node are written to, asked for with the rows.
#pragma once

#include "pg_nae/batch/batch.hpp"
#include "pg_nae/columns/known_codes.hpp"

namespace nae::batch {

// Zeroed memory of the statement.
class CodeAhead {
 public:
  // Looks up what the plan is to ask for. Memory is the current context's, which is the
  // statement's.
  void create(const CustomScan* plan);
  // It is to be asked for, in a statement that these roles began.
  void begin(const pg::StatementRoles& roles);
  // Asks for the rows that are emitted next; those before are done with.
  void ask(Batch& batch, pg::Traffic& traffic);
  // The columns of codes, for EXPLAIN.
  List* names() const { return names_; }

 private:
  void add(int column, const columns::Coding* coding, const char* name);

  struct Asking {
    int column;  // of the rows
    const columns::Coding* coding;
    columns::KnownCodes* codes;
  };
  Asking* askings_;
  int count_;
  List* names_;
};

}  // namespace nae::batch

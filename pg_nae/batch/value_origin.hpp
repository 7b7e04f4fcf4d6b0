// ValueOrigin: which column of which table a value comes from that a batch could not open or
// encrypt. Found in the finished plan when an error needs it.
#pragma once

#include "pg_nae/pg/postgres.hpp"

namespace nae::batch {

// Says so in the context of whatever is raised meanwhile, with the place of the row if it is given.
// Nothing, for a value that was computed or comes from where it cannot be followed.
class OriginContext {
 public:
  // `call` is one of the calls of a batch node over `child`.
  void enter(const FuncExpr* call, const PlanState* child, const ItemPointerData* row);
  // Needs not be called when an error passes.
  void leave() const { error_context_stack = callback_.previous; }

 private:
  static void add(void* context);

  ErrorContextCallback callback_;
  const char* schema_;
  const char* table_;
  const char* column_;
  const ItemPointerData* row_;
};

}  // namespace nae::batch

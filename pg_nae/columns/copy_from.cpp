#include "pg_nae/columns/copy_from.hpp"

namespace nae::columns {

bool copy_from_in_batches(PlannedStmt*, const char*, QueryCompletion*) {
  return false;
}

}  // namespace nae::columns

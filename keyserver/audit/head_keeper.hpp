// Where else than in its own directory the log's newest signed head is remembered: a directory
// that was emptied or brought back from an old copy shows at the next start.
#pragma once

#include <optional>

#include "keyserver/audit/chain.hpp"

namespace nae::audit {

class HeadKeeper {
 public:
  virtual ~HeadKeeper() = default;

  // Nothing when none was kept yet.
  virtual Result<std::optional<ChainPoint>> kept_head() = 0;
  // One that is older than the one kept changes nothing.
  virtual Result<void> keep_head(const ChainPoint& head) = 0;
  // Only when a loss was accepted and a new chain begins.
  virtual Result<void> forget_head() = 0;
};

}  // namespace nae::audit

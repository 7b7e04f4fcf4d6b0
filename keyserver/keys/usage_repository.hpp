// Where counts of uses are kept. keyserver/store/ implements it; every call is one durable
// transaction. docs/spec/keys.md, "Usage".
#pragma once

#include <vector>

#include "keyserver/keys/usage.hpp"
#include "libnae/base/result.hpp"

namespace nae::keys {

class UsageRepository {
 public:
  virtual ~UsageRepository() = default;

  // How often versions were used when they were written down last; of a server that did not close
  // them, all the uses that it had set aside.
  virtual Result<std::vector<UsageCount>> open_usage() = 0;
  // `closing`: nothing is set aside any more.
  virtual Result<void> save_usage(const std::vector<UsageCount>& counts, bool closing) = 0;
};

}  // namespace nae::keys

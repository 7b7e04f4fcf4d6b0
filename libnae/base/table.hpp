// Table: the answer to a lookup.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace nae {

struct Table {
  std::vector<std::string> columns;
  std::vector<std::vector<std::optional<std::string>>> rows;  // each as wide as columns
};

}  // namespace nae

// Table: answers for people. Columns as wide as they need, the last one as long as it is.
#pragma once

#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace nae::cli {

// `text` fit for a terminal: control characters are shown as \xNN. Names of database roles and
// programs come from whoever connects, and must not move the cursor of an auditor.
std::string printable(std::string_view text);

class Table {
 public:
  explicit Table(std::vector<std::string> header) : header_(std::move(header)) {}
  void add(std::vector<std::string> row);  // as many cells as the header has
  bool empty() const { return rows_.empty(); }
  void print(std::ostream& out) const;

 private:
  std::vector<std::string> header_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace nae::cli

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
  // In at most `columns` characters a line, 0: as many as it takes. What is wider loses columns of
  // `dispensable`, in this order and as many as it takes, by the beginning of their titles; a table
  // that is too wide even so has a line for each cell, and all of them. False when a column is
  // left out.
  bool print(std::ostream& out, std::size_t columns = 0,
             const std::vector<std::string>& dispensable = {}) const;

 private:
  std::size_t width_of(std::size_t column) const;
  void print_columns(std::ostream& out, const std::vector<std::size_t>& shown) const;
  void print_cells(std::ostream& out) const;

  std::vector<std::string> header_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace nae::cli

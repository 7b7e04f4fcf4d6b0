#include "cli/table.hpp"

#include <algorithm>
#include <numeric>
#include <ostream>

namespace nae::cli {
namespace {

constexpr std::size_t kColumnGap = 2;

// Characters, not bytes: continuation bytes of UTF-8 take no room.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

}  // namespace

std::string printable(std::string_view text) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string shown;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto byte = static_cast<unsigned char>(text[i]);
    // U+0080 to U+009F, the other block of control characters, is 0xc2 and one of these in UTF-8.
    bool c1 = byte == 0xc2 && i + 1 < text.size() &&
              static_cast<unsigned char>(text[i + 1]) >= 0x80 &&
              static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (c1) byte = static_cast<unsigned char>(text[++i]);
    if (byte < 0x20 || byte == 0x7f || c1)
      shown.append({'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]});
    else
      shown.push_back(text[i]);
  }
  return shown;
}

void Table::add(std::vector<std::string> row) {
  for (std::string& cell : row) cell = printable(cell);
  rows_.push_back(std::move(row));
}

std::size_t Table::width_of(std::size_t column) const {
  std::size_t widest = width(header_[column]);
  for (const auto& row : rows_) widest = std::max(widest, width(row[column]));
  return widest;
}

void Table::print_columns(std::ostream& out, const std::vector<std::size_t>& shown) const {
  std::vector<std::size_t> widths;
  widths.reserve(shown.size());
  for (std::size_t column : shown) widths.push_back(width_of(column));
  auto line = [&](const std::vector<std::string>& cells) {
    for (std::size_t i = 0; i + 1 < shown.size(); ++i) {
      const std::string& cell = cells[shown[i]];
      out << cell << std::string(widths[i] - width(cell) + kColumnGap, ' ');
    }
    out << cells[shown.back()] << '\n';
  };
  line(header_);
  for (const auto& row : rows_) line(row);
}

void Table::print_cells(std::ostream& out) const {
  std::size_t widest = 0;
  for (const std::string& title : header_) widest = std::max(widest, width(title));
  for (std::size_t row = 0; row < rows_.size(); ++row) {
    if (row != 0) out << '\n';
    for (std::size_t i = 0; i < header_.size(); ++i)
      if (!rows_[row][i].empty())
        out << header_[i] << std::string(widest - width(header_[i]) + kColumnGap, ' ')
            << rows_[row][i] << '\n';
  }
}

bool Table::print(std::ostream& out, std::size_t columns,
                  const std::vector<std::string>& dispensable) const {
  std::vector<std::size_t> shown(header_.size());
  std::iota(shown.begin(), shown.end(), 0);
  auto fits = [&] {
    std::size_t all = kColumnGap * (shown.size() - 1);
    for (std::size_t column : shown) all += width_of(column);
    return columns == 0 || all <= columns;
  };
  for (const std::string& title : dispensable) {
    if (fits()) break;
    if (shown.size() > 1)
      std::erase_if(shown, [&](std::size_t column) { return header_[column].starts_with(title); });
  }
  if (fits()) {
    print_columns(out, shown);
    return shown.size() == header_.size();
  }
  print_cells(out);
  return true;
}

}  // namespace nae::cli

// Terminal: who sits at the program, if somebody does.
#pragma once

#include <cstddef>
#include <iosfwd>

namespace nae::cli {

struct Terminal {
  std::size_t columns = 0;          // of standard output; 0: it is no terminal
  std::istream* answers = nullptr;  // to questions; nullptr: there is nobody to ask
};

// Of standard output; 0 when it is no terminal, 80 when the terminal does not say.
std::size_t terminal_columns();
// Whoever reads standard error and types into standard input can be asked.
bool can_be_asked();

}  // namespace nae::cli

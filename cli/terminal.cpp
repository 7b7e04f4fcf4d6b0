#include "cli/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

namespace nae::cli {

std::size_t terminal_columns() {
  constexpr std::size_t kUsualColumns = 80;
  if (::isatty(STDOUT_FILENO) != 1) return 0;
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kUsualColumns;
  return size.ws_col;
}

bool can_be_asked() {
  return ::isatty(STDIN_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1;
}

}  // namespace nae::cli

#include <unistd.h>

#include <iostream>

#include "cli/run.hpp"
#include "libnae/base/environment.hpp"
#include "libnae/base/output.hpp"

int main(int argc, char** argv) {
  nae::drop_leaking_variables();
  nae::open_standard_descriptors();
  nae::DescriptorBuffer buffer(STDOUT_FILENO);
  std::ostream out(&buffer);
  const nae::cli::Terminal terminal{nae::cli::terminal_columns(),
                                    nae::cli::can_be_asked() ? &std::cin : nullptr};
  return nae::cli::run(std::vector<std::string>(argv + 1, argv + argc), out, std::cerr, terminal);
}

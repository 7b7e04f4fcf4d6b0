#include <iostream>

#include "cli/run.hpp"
#include "libnae/base/environment.hpp"

int main(int argc, char** argv) {
  nae::drop_leaking_variables();
  return nae::cli::run(std::vector<std::string>(argv + 1, argv + argc), std::cout, std::cerr);
}

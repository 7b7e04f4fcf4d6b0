#include "keyserver/server/terminal_question.hpp"

#include <unistd.h>

#include <iostream>

namespace nae::server {

bool answered_yes(const std::string& question, bool yes) {
  std::cerr << question << std::flush;
  if (yes || ::isatty(STDIN_FILENO) != 1) return true;
  std::cerr << "Go on? [y/N] " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

}  // namespace nae::server

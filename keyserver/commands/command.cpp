#include "keyserver/commands/command.hpp"

#include <cstdio>
#include <iostream>

#include "libnae/base/output.hpp"

namespace nae::commands {

int report(const Error& error) {
  (void)std::fprintf(stderr, "nae-keyserver: %s (%s)\n", error.message.c_str(),
                     std::string(name(error.code)).c_str());
  if (auto hint = error.hint_or_default(); !hint.empty())
    (void)std::fprintf(stderr, "hint: %s\n", std::string(hint).c_str());
  return kFailed;
}

int told() {
  auto output = written(std::cout);
  if (output) return 0;
  output.error().hint = "Only the output is missing: what the command does is done.";
  return report(output.error());
}

}  // namespace nae::commands

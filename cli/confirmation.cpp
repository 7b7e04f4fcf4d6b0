#include "cli/confirmation.hpp"

#include <istream>
#include <ostream>

namespace nae::cli {

bool will_be_asked(const Call& call, bool yes) {
  return !yes && call.terminal.answers != nullptr;
}

Outcome<std::monostate> confirmed(const Call& call, bool yes, const std::string& consequence) {
  if (!will_be_asked(call, yes)) return std::monostate{};
  call.out.flush();
  call.err << printable(consequence) << "\nGo on? [y/N] " << std::flush;
  std::string answer;
  std::getline(*call.terminal.answers, answer);
  if (answer == "y" || answer == "Y" || answer == "yes") return std::monostate{};
  return tl::unexpected<Failure>(Error(Code::invalid_argument, "not confirmed, so nothing was done",
                                       "Answer y to go on; --yes does not ask."));
}

void add_yes(CLI::App& leaf, bool& yes) {
  leaf.add_flag("--yes", yes, "Do not ask first; without a terminal nobody is asked anyway");
}

}  // namespace nae::cli

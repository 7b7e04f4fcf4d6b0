// A question before what cannot be taken back, to who sits at the terminal.
#pragma once

#include <string>

namespace nae::server {

// Shows `question` on standard error. Where `yes` is given or standard input is no terminal nobody
// is asked, and it is true; else true for y or yes alone.
bool answered_yes(const std::string& question, bool yes);

}  // namespace nae::server

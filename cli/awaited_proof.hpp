// A proof of the server's audit log, which may take longer than a request: it is asked for again
// and again until its report is there.
#pragma once

#include <iosfwd>
#include <string>

#include "cli/server.hpp"

namespace nae::cli {

// The report for `from` and `to` (numbers, times in UTC, or nothing). How far it is goes to `err`,
// when `seen`.
Outcome<json::value> awaited_proof(Server& server, const std::string& from, const std::string& to,
                                   std::ostream& err, bool seen);

}  // namespace nae::cli

// What the program's exit tells a script.
#pragma once

#include "libnae/base/result.hpp"

namespace nae::cli {

enum ExitCode : int {
  kOk = 0,
  kRefused = 1,       // the server refused, or the answer is no: denied by policy, log not intact
  kUsage = 2,         // wrong arguments, profile or local file, or output not written
  kUnreachable = 3,   // no key server could be reached, or it is not the right one
  kServerFailed = 4,  // the key server failed: HSM, store, audit log
  kWaiting = 5        // nothing was done yet: a second administrator must approve the request
};

// `from_server`: the error came in an answer.
ExitCode exit_code(const Error& error, bool from_server);

}  // namespace nae::cli

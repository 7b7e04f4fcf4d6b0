// Tells the service manager how far this program is, by the protocol of sd_notify(3), which systemd
// documents as stable and others speak too: one datagram of lines NAME=VALUE to the Unix socket
// that the variable NOTIFY_SOCKET names. Twenty lines of ours instead of libsystemd, whose other
// thousand functions and whose compression libraries a key server would load with it.
#pragma once

#include <string_view>

#include "libnae/base/result.hpp"

namespace nae::net {

// READY=1, and the line that `systemctl status` shows. Its control characters become spaces: a
// message cannot bring lines of its own.
void tell_ready(std::string_view status);
void tell_status(std::string_view status);
void tell_stopping();
// Started by hand, or under a manager that does not ask, nobody is told and nothing said. A manager
// that cannot be told is a warning in the log, never the end of the service.

// `address` as NOTIFY_SOCKET has it: an absolute path, or '@' and an abstract name. Waits up to
// five seconds while the manager does not read. invalid_argument: another kind of address, or one
// that is too long; file_failed: nobody took it.
Result<void> notify(std::string_view address, std::string_view lines);

}  // namespace nae::net

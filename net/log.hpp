// Where a server program's log goes: standard error, in the form that its configuration says.
#pragma once

#include <string>

namespace nae::net {

// Makes spdlog's default logger write records (libnae/base/log_record.hpp) of `level` and above to
// standard error, each at once. `level` is debug, info, warning or error; `format` a word that
// log_format() knows. Once, before other threads are started.
void start_log(const std::string& program, const std::string& level, const std::string& format);

}  // namespace nae::net

#include "cli/exit_code.hpp"

namespace nae::cli {

ExitCode exit_code(const Error& error, bool from_server) {
  if (from_server) return row(error.code).http_status >= 500 ? kServerFailed : kRefused;
  switch (error.code) {
    case Code::server_unavailable:
    case Code::connection_lost:
    case Code::timeout:
    case Code::tls_failed:
      return kUnreachable;
    case Code::audit_broken:
    case Code::authentication_failed:  // of a file that is not what it is taken for
      return kRefused;
    default:
      return kUsage;
  }
}

}  // namespace nae::cli

// What became of one call to administration, and what its record says.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "keyserver/admin/api/json.hpp"
#include "keyserver/protocols/http/http_message.hpp"

namespace nae::admin {

namespace json = boost::json;

// Verdicts of records, and why.
inline constexpr std::string_view kAllowed = "value", kDenied = "deny", kBegun = "begun",
                                  kWaiting = "waiting", kDone = "allowed";

struct AdminOutcome {
  http::HttpResponse response;
  std::string action = "unknown";
  std::string target;
  std::string detail;
  std::string digest;
  std::string reason = std::string(kDone);
  bool changed = false;
  json::object answer;                     // of a success
  std::optional<Error> error;              // of what was refused
  std::function<Result<void>()> in_force;  // Group::in_force(); empty: there is nothing to wait for

  static AdminOutcome refused(const Error& why, unsigned http_status = 0);
  // `http_status`: 0 for that of the code.
  void refuse(const Error& why, unsigned http_status = 0);
  void allow(unsigned status, json::object body);
  // Until it is in force. May block.
  void wait();

 private:
  void fall_behind(const Error& behind);
};

}  // namespace nae::admin

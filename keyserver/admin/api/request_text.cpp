#include "keyserver/admin/api/request_text.hpp"

namespace nae::admin::api {

// Requests without a base are digested as they were before there were bases.
std::string request_text(std::string_view method, std::string_view target,
                         std::string_view content_type, std::string_view body,
                         std::string_view base) {
  std::string text = base.empty() ? "nae-approval-1" : "nae-approval-2";
  auto add = [&](std::string_view part) {
    text += "\n" + std::to_string(part.size()) + ":";
    text += part;
  };
  for (std::string_view part : {method, target, content_type, body}) add(part);
  if (!base.empty()) add(base);
  return text;
}

}  // namespace nae::admin::api

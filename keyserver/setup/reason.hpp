// The reason that commands take which stand above everything: it is what their record tells.
#pragma once

#include <string>

#include "libnae/base/result.hpp"
#include "libnae/base/text.hpp"

namespace nae::setup {

inline constexpr std::size_t kMaxReasonBytes = 1000;

inline Result<void> check_reason(const std::string& reason) {
  if (!reason.empty() && reason.size() <= kMaxReasonBytes && is_utf8(reason)) return {};
  return fail(Code::invalid_argument,
              "the reason must have 1 to " + std::to_string(kMaxReasonBytes) + " bytes of UTF-8");
}

}  // namespace nae::setup

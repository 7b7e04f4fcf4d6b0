// Decimal numbers in paths and parameters.
#pragma once

#include <charconv>
#include <cstdint>
#include <string_view>

#include "libnae/base/result.hpp"

namespace nae::admin {

// Digits only. Code::invalid_argument, naming `what`, for anything else and outside the range.
inline Result<std::uint64_t> whole_number(std::string_view text, std::string_view what,
                                          std::uint64_t least, std::uint64_t most) {
  std::uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < least || value > most)
    return fail(Code::invalid_argument, std::string(what) + " must be a whole number from " +
                                            std::to_string(least) + " to " + std::to_string(most));
  return value;
}

}  // namespace nae::admin

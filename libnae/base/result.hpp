// Expected failures are values: Result<T> is a T or an Error. Exceptions are for broken machines.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

#include "libnae/base/code.hpp"

namespace nae {

// One failure. `message` names what failed and never holds a plaintext, key material, PIN or token.
// An empty `hint` means the code's own hint.
struct Error {
  Code code = Code::internal;
  std::string message;
  std::string hint;

  Error() = default;
  Error(Code c, std::string m, std::string h = {})
      : code(c), message(std::move(m)), hint(std::move(h)) {}

  std::string_view hint_or_default() const {
    return hint.empty() ? row(code).hint : std::string_view(hint);
  }
  friend bool operator==(const Error&, const Error&) = default;
};

template <class T = void>
using Result = tl::expected<T, Error>;

// return fail(Code::key_unknown, "...");  from any function that answers a Result.
inline tl::unexpected<Error> fail(Code code, std::string message, std::string hint = {}) {
  return tl::unexpected<Error>(Error(code, std::move(message), std::move(hint)));
}
inline tl::unexpected<Error> fail(Error error) {
  return tl::unexpected<Error>(std::move(error));
}

}  // namespace nae

// NAE_TRY(expression): leaves the function with the error of a failed Result<void>.
#define NAE_TRY(expression)                                                     \
  do {                                                                          \
    auto nae_try_result = (expression);                                         \
    if (!nae_try_result) return ::nae::fail(std::move(nae_try_result).error()); \
  } while (0)

// NAE_ASSIGN(auto x, expression): x = the value, or leaves the function with the error.
#define NAE_ASSIGN_CONCAT_(a, b) a##b
#define NAE_ASSIGN_CONCAT(a, b) NAE_ASSIGN_CONCAT_(a, b)
#define NAE_ASSIGN(target, expression) \
  NAE_ASSIGN_INTO(NAE_ASSIGN_CONCAT(nae_assign_, __LINE__), target, expression)
#define NAE_ASSIGN_INTO(result, target, expression)           \
  auto result = (expression);                                 \
  if (!result) return ::nae::fail(std::move(result).error()); \
  target = std::move(*result)

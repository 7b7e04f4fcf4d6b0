// Failure: an Error as it crosses from C++ to PostgreSQL: plain memory, so that a frame that holds
// one may be left by longjmp. Also the guard that keeps exceptions on the C++ side.
#pragma once

#include <exception>
#include <new>
#include <string_view>
#include <type_traits>

#include "libnae/base/result.hpp"

namespace nae::backend {

struct Failure {
  Code code = Code::internal;
  char message[768] = "";
  char hint[384] = "";
};
static_assert(std::is_trivially_destructible_v<Failure>);

// Longer texts are cut, at the start of a UTF-8 sequence.
void set_failure(Failure& failure, Code code, std::string_view message,
                 std::string_view hint = {}) noexcept;
inline void set_failure(Failure& failure, const Error& error) noexcept {
  set_failure(failure, error.code, error.message, error.hint_or_default());
}

// Runs `work`, which answers Result<T>; on an Error or an exception fills `failure` and answers
// `otherwise`. Nothing is thrown past it: PostgreSQL's frames know no exceptions.
template <class T, class Work>
T guarded(Failure& failure, T otherwise, Work&& work) noexcept {
  static_assert(std::is_trivially_destructible_v<T>);
  try {
    Result<T> result = work();
    if (result) return *result;
    set_failure(failure, result.error());
  } catch (const std::bad_alloc&) {
    set_failure(failure, Code::overloaded, "out of memory");
  } catch (const std::exception& e) {
    set_failure(failure, Code::internal, e.what());
  } catch (...) {
    set_failure(failure, Code::internal, "unknown exception");
  }
  return otherwise;
}

}  // namespace nae::backend

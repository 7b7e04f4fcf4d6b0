// What the fuzzers share: how a property fails, and what each refusal must be.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"

namespace nae::fuzz {

// libFuzzer keeps the input and shows the caller's line.
inline void require(bool holds) {
  if (!holds) std::abort();
}

// Input is somebody else's fault: a refusal has a message and a code, and never that of a fault of
// ours.
inline void require_refusal(const Error& error) {
  require(!error.message.empty());
  require(error.code != Code::internal);
  require(!row(error.code).name.empty());
}
inline void require_refusal(const Error& error, Code code) {
  require_refusal(error);
  require(error.code == code);
}

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace nae::fuzz

// libFuzzer's interface (https://llvm.org/docs/LibFuzzer.html).
extern "C" {
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
int LLVMFuzzerInitialize(int* argc, char*** argv);
std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);
std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                    unsigned seed);
}

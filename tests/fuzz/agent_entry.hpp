// libFuzzer's way into a fuzzer of the agent: an input is how much of it comes at a time, options,
// and frames. For the one source file of such a fuzzer, which defines run().
#pragma once

#include <algorithm>

#include "tests/fuzz/agent_between.hpp"
#include "tests/fuzz/frame_mutator.hpp"

namespace nae::fuzz {

// A frame of the second far end has this bit in its type.
constexpr Byte kSecond = 0x80;

void run(ByteView stream, std::size_t piece_bytes, Byte options);

}  // namespace nae::fuzz

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  spdlog::set_level(spdlog::level::off);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  // Small pieces of a long input would be thousands of turns.
  const std::size_t piece_bytes = std::max<std::size_t>(data[0], size / 16) + 1;
  nae::fuzz::run({data + 2, size - 2}, piece_bytes, data[1]);
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned seed) {
  return nae::fuzz::mutate_frames(data, size, max_size, seed, 2, nae::fuzz::kSecond);
}

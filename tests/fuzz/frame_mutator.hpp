// Mutates a stream of frames as frames: a blind change of a length or of a byte that is to be zero
// ends the stream there, and no parser of a message sees what follows.
#pragma once

#include <algorithm>
#include <iterator>
#include <random>
#include <vector>

#include "libnae/wire/frame.hpp"
#include "tests/fuzz/property.hpp"

namespace nae::fuzz {

inline constexpr std::size_t kMaxMutatedBodyBytes = 4096;

struct LooseFrame {
  std::uint8_t type = 0;
  std::uint64_t request_id = 0;
  Bytes body;
};

// What stands in the stream before it stops being one.
inline std::vector<LooseFrame> frames_in(ByteView stream) {
  std::vector<LooseFrame> frames;
  while (stream.size() >= wire::kFrameHeaderBytes) {
    LooseFrame frame{stream[4], load_big_endian<std::uint64_t>(stream.data() + 8), {}};
    const std::size_t announced = load_big_endian<std::uint32_t>(stream.data());
    stream = stream.subspan(wire::kFrameHeaderBytes);
    const ByteView body = stream.first(std::min(announced, stream.size()));
    frame.body.assign(body.begin(), body.end());
    stream = stream.subspan(body.size());
    frames.push_back(std::move(frame));
  }
  return frames;
}

inline Bytes stream_of(const std::vector<LooseFrame>& frames) {
  Bytes stream;
  for (const LooseFrame& frame : frames) {
    const auto at =
        wire::begin_frame(stream, static_cast<wire::FrameType>(frame.type), frame.request_id);
    stream.insert(stream.end(), frame.body.begin(), frame.body.end());
    wire::finish_frame(stream, at);
  }
  return stream;
}

// `type_bit`: one that says in a frame's type which connection it is of, or 0.
inline void mutate_one(std::vector<LooseFrame>& frames, std::minstd_rand& random,
                       std::uint8_t type_bit = 0) {
  const std::size_t at = random() % frames.size();
  LooseFrame& frame = frames[at];
  switch (random() % 8) {
    case 0:
      if (type_bit != 0 && random() % 2 == 0)
        frame.type ^= type_bit;
      else
        frame.type = static_cast<std::uint8_t>(1 + random() % 15);
      break;
    case 1:
      frame.request_id = random() % 16;
      // The agent's own requests, and those that answer nothing.
      if (random() % 4 == 0) frame.request_id |= std::uint64_t{1} << 63;
      break;
    case 2:
      frames.insert(frames.begin() + static_cast<std::ptrdiff_t>(at), LooseFrame(frame));
      break;
    case 3:
      if (frames.size() > 1) frames.erase(frames.begin() + static_cast<std::ptrdiff_t>(at));
      break;
    case 4:
      std::swap(frame, frames[random() % frames.size()]);
      break;
    default: {
      const std::size_t before = frame.body.size();
      frame.body.resize(std::max(before, kMaxMutatedBodyBytes));
      frame.body.resize(LLVMFuzzerMutate(frame.body.data(), before, kMaxMutatedBodyBytes));
    }
  }
}

// The first `head` bytes of an input say how it is cut into reads, and the like.
inline std::size_t mutate_frames(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                 unsigned seed, std::size_t head = 1, std::uint8_t type_bit = 0) {
  std::minstd_rand random(seed);
  auto frames = size > head ? frames_in({data + head, size - head}) : std::vector<LooseFrame>{};
  if (frames.empty() || random() % 8 == 0) return LLVMFuzzerMutate(data, size, max_size);
  mutate_one(frames, random, type_bit);
  const Bytes stream = stream_of(frames);
  if (stream.size() + head > max_size) return LLVMFuzzerMutate(data, size, max_size);
  std::ranges::copy(stream, data + head);
  return stream.size() + head;
}

}  // namespace nae::fuzz

// RequestIds: names of requests, 128 random bits each. They are drawn many at a time: a system call
// for each would cost more than to route it. For one worker.
#pragma once

#include <array>
#include <stdexcept>
#include <string>

#include "libnae/base/bytes.hpp"
#include "libnae/base/text.hpp"
#include "libnae/crypto/random.hpp"

namespace nae::gateway {

class RequestIds {
 public:
  // 32 hexadecimal digits.
  std::string next() {
    if (used_ == drawn_.size()) {
      if (auto drawn = crypto::random_bytes(drawn_); !drawn)
        throw std::runtime_error(drawn.error().message);
      used_ = 0;
    }
    const ByteView id = ByteView(drawn_).subspan(used_, kBytes);
    used_ += kBytes;
    return to_hex(id);
  }

 private:
  static constexpr std::size_t kBytes = 16;

  std::array<Byte, 256 * kBytes> drawn_{};
  std::size_t used_ = drawn_.size();
};

}  // namespace nae::gateway

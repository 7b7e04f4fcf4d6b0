// The far end of a connection whose near end is a net::Connection of the code under test.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <cerrno>
#include <utility>

#include "libnae/wire/frame.hpp"
#include "net/connection.hpp"
#include "net/unix_stream.hpp"
#include "tests/fuzz/property.hpp"

namespace nae::fuzz {

// Inputs and what answers them fit into the buffers of a socket, so nothing here waits.
class FarEnd {
 public:
  explicit FarEnd(int descriptor) : descriptor_(descriptor) {}
  ~FarEnd() { close(); }
  FarEnd(FarEnd&& other) noexcept
      : heard_(std::move(other.heard_)),
        read_(other.read_),
        descriptor_(std::exchange(other.descriptor_, -1)),
        ended_(other.ended_) {}
  FarEnd& operator=(FarEnd&&) = delete;

  void say(ByteView bytes) {
    if (bytes.empty() || descriptor_ < 0) return;
    const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    // The near end may have ended meanwhile.
    require(sent == static_cast<ssize_t>(bytes.size()) || errno == EPIPE || errno == ECONNRESET);
  }
  // Takes what has come; true when something has.
  bool hear() {
    const std::size_t before = heard_.size();
    while (descriptor_ >= 0 && !ended_) {
      static Byte read[kReadBytes];
      const ssize_t got = ::recv(descriptor_, read, sizeof read, MSG_DONTWAIT);
      if (got > 0) heard_.insert(heard_.end(), read, read + got);
      if (got < 0) {
        require(errno == EAGAIN || errno == ECONNRESET);
        ended_ = errno == ECONNRESET;
        break;
      }
      ended_ = got == 0;
    }
    return heard_.size() != before;
  }
  // The near end said that nothing more will come.
  bool ended() const { return ended_; }
  void close() {
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  }

  // The frames that have come since the last call, each by its header and a view of its body. What
  // the code under test writes is a stream of frames.
  template <class Take>
  void frames(Take take) {
    while (heard_.size() - read_ >= wire::kFrameHeaderBytes) {
      const ByteView rest = ByteView(heard_).subspan(read_);
      auto header = wire::parse_frame_header(rest.first(wire::kFrameHeaderBytes),
                                             wire::kMaxFrameBytesCeiling);
      require(header.has_value());
      const std::size_t bytes = wire::kFrameHeaderBytes + header->body_bytes;
      if (rest.size() < bytes) return;
      read_ += bytes;
      const Bytes body(rest.begin() + wire::kFrameHeaderBytes,
                       rest.begin() + static_cast<std::ptrdiff_t>(bytes));
      take(wire::Frame{*header, body});
    }
  }
  // It stopped between two frames.
  bool between_frames() const { return read_ == heard_.size(); }

 private:
  static constexpr std::size_t kReadBytes = 16u << 10;

  Bytes heard_;
  std::size_t read_ = 0;
  int descriptor_;
  bool ended_ = false;
};

// Both ends; `near` is non-blocking and belongs to who takes it.
struct Pair {
  int near = -1, far = -1;
  Pair() {
    int ends[2];
    require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
    near = ends[0];
    far = ends[1];
  }
};

// Runs what is ready, and what that made ready.
inline void settle(boost::asio::io_context& loop) {
  do loop.restart();
  while (loop.poll() > 0);
}

}  // namespace nae::fuzz

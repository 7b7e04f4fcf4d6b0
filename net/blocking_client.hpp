// For tests and benchmarks: a client that waits. One connection, one thread.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <string>

#include "libnae/base/result.hpp"
#include "net/tls_stream.hpp"
#include "net/unix_stream.hpp"

namespace nae::net::testing {

class BlockingClient {
 public:
  static constexpr int kTimeout_s = 20;

  static Result<BlockingClient> connect_tcp(std::uint16_t port) {
    BlockingClient client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(client.descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
      return fail(Code::server_unavailable, "connect");
    int on = 1;
    ::setsockopt(client.descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return client;
  }
  static Result<BlockingClient> connect_unix(const std::string& path) {
    BlockingClient client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    if (::connect(client.descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
      return fail(Code::agent_unavailable, "connect");
    client.stream_ = std::make_unique<UnixStream>(client.descriptor_);
    return client;
  }
  static Result<BlockingClient> connect_tls(const TlsContext& context, std::uint16_t port,
                                            const std::string& host = "127.0.0.1") {
    NAE_ASSIGN(BlockingClient client, connect_tcp(port));
    NAE_ASSIGN(client.stream_, TlsStream::connect(context, client.descriptor_, host));
    if (client.stream_->handshake().state != IoState::done) return fail(client.stream_->error());
    return client;
  }

  BlockingClient(BlockingClient&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)), stream_(std::move(other.stream_)) {}
  BlockingClient& operator=(BlockingClient&&) = delete;
  ~BlockingClient() {
    stream_.reset();
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  int descriptor() const { return descriptor_; }
  Stream& stream() { return *stream_; }

  Result<void> write(ByteView bytes) {
    while (!bytes.empty()) {
      Io io = stream_->write_some(bytes);
      NAE_TRY(check(io));
      bytes = bytes.subspan(io.bytes);
    }
    return {};
  }
  // Code::connection_lost at the end of the stream, Code::timeout when nothing comes.
  Result<std::size_t> read_some(ByteSpan into) {
    Io io = stream_->read_some(into);
    NAE_TRY(check(io));
    return io.bytes;
  }
  Result<Bytes> read(std::size_t size) {
    Bytes bytes(size);
    for (std::size_t at = 0; at < size;) {
      NAE_ASSIGN(std::size_t got, read_some(ByteSpan(bytes).subspan(at)));
      at += got;
    }
    return bytes;
  }

 private:
  explicit BlockingClient(int descriptor) : descriptor_(descriptor) {
    timeval time{kTimeout_s, 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
    ::setsockopt(descriptor_, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
  }
  Result<void> check(const Io& io) const {
    switch (io.state) {
      case IoState::done:
        return {};
      case IoState::closed:
        return fail(Code::connection_lost, "closed");
      case IoState::failed:
        return fail(stream_->error());
      case IoState::wants_read:
      case IoState::wants_write:
        break;
    }
    return fail(Code::timeout, "nothing came");
  }

  int descriptor_;
  std::unique_ptr<Stream> stream_;
};

}  // namespace nae::net::testing

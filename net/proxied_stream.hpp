// ProxiedStream: a stream whose peer is a balancer that says first, in a PROXY header, from where
// its client comes.
#pragma once

#include <array>
#include <memory>

#include "net/proxy_header.hpp"
#include "net/stream.hpp"

namespace nae::net {

class ProxiedStream final : public Stream {
 public:
  // `inner` has the same descriptor and has read nothing of it. The header is part of the
  // handshake: it must come within its time, and nothing behind it is touched.
  explicit ProxiedStream(std::unique_ptr<Stream> inner) : inner_(std::move(inner)) {}

  int descriptor() const override { return inner_->descriptor(); }
  Io handshake() override;
  Io read_some(ByteSpan into) override { return outcome(inner_->read_some(into)); }
  Io write_some(ByteView from) override { return outcome(inner_->write_some(from)); }
  void shutdown() override { inner_->shutdown(); }
  bool may_hold_more() const override { return inner_->may_hold_more(); }
  Result<void> verify_again(const TlsContext& context) override {
    return inner_->verify_again(context);
  }
  const PeerIdentity& peer() const override { return inner_->peer(); }
  std::string_view protocol() const override { return inner_->protocol(); }
  std::string_view stated_address() const override { return source_; }

 private:
  Io outcome(Io io) { return io.state == IoState::failed ? failed(inner_->error()) : io; }
  Io read_header();

  std::unique_ptr<Stream> inner_;
  std::array<Byte, kMaxProxyHeaderBytes> header_{};
  std::size_t have_ = 0;
  std::size_t wanted_ = kProxyFixedBytes;
  bool header_read_ = false;
  std::string source_;
};

}  // namespace nae::net

// Channel: a TCP connection with or without TLS, with a deadline for whatever is under way.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <chrono>
#include <optional>
#include <utility>

namespace nae::gateway {

class Channel {
 public:
  using Lowest = boost::beast::tcp_stream;
  using Tls = boost::asio::ssl::stream<Lowest&>;
  using executor_type = Lowest::executor_type;

  explicit Channel(boost::asio::ip::tcp::socket socket) : lowest_(std::move(socket)) {}
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  Tls& use_tls(boost::asio::ssl::context& context) { return tls_.emplace(lowest_, context); }
  bool has_tls() const { return tls_.has_value(); }
  Tls& tls() { return *tls_; }
  Lowest& lowest() { return lowest_; }
  boost::asio::ip::tcp::socket& socket() { return lowest_.socket(); }

  // Of all that is begun from now on; what is not done by then fails with beast::error::timeout.
  void expires_after(std::chrono::milliseconds time) { lowest_.expires_after(time); }
  // Ends what is under way, from the channel's thread.
  void close() { lowest_.close(); }

  executor_type get_executor() { return lowest_.get_executor(); }
  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return tls_ ? tls_->async_read_some(buffers, std::forward<Token>(token))
                : lowest_.async_read_some(buffers, std::forward<Token>(token));
  }
  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return tls_ ? tls_->async_write_some(buffers, std::forward<Token>(token))
                : lowest_.async_write_some(buffers, std::forward<Token>(token));
  }

 private:
  Lowest lowest_;
  std::optional<Tls> tls_;
};

}  // namespace nae::gateway

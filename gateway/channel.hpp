// Channel: a TCP connection with or without TLS, with a deadline for whatever is under way.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/error.hpp>
#include <chrono>
#include <optional>
#include <utility>

#include "gateway/deadlines.hpp"

namespace nae::gateway {

class Channel : Limited {
 public:
  using Lowest = boost::asio::ip::tcp::socket;
  using Tls = boost::asio::ssl::stream<Lowest&>;
  using executor_type = Lowest::executor_type;

  Channel(boost::asio::ip::tcp::socket socket, Deadlines& deadlines)
      : Limited(deadlines), lowest_(std::move(socket)) {}

  Tls& use_tls(boost::asio::ssl::context& context) { return tls_.emplace(lowest_, context); }
  bool has_tls() const { return tls_.has_value(); }
  Tls& tls() { return *tls_; }
  boost::asio::ip::tcp::socket& socket() { return lowest_; }

  // While it lives: what is not done within the time fails, and the connection is closed.
  class Limit {
   public:
    Limit(Channel& channel, std::chrono::milliseconds time) : channel_(channel) {
      channel_.limit_to(time);
    }
    ~Limit() { channel_.lift_limit(); }
    Limit(const Limit&) = delete;
    Limit& operator=(const Limit&) = delete;

   private:
    Channel& channel_;
  };
  [[nodiscard]] Limit limited_to(std::chrono::milliseconds time) { return Limit(*this, time); }
  // What an operation failed with: beast::error::timeout when a limit was over.
  boost::system::error_code cause_of(boost::system::error_code error) const {
    return error && is_expired_ ? boost::beast::error::timeout : error;
  }

  // Ends what is under way, from the channel's thread.
  void close() {
    boost::system::error_code ignored;
    lowest_.close(ignored);
  }

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
  void expire() override {
    is_expired_ = true;
    close();
  }

  Lowest lowest_;
  std::optional<Tls> tls_;
  bool is_expired_ = false;
};

}  // namespace nae::gateway

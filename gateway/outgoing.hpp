// Outgoing: a message on its way out. Its header leaves with the first piece of its body, and a
// body whose length nobody knows in chunks (RFC 9112 section 7.1).
#pragma once

#include <array>
#include <boost/asio/buffer.hpp>
#include <string>
#include <utility>

namespace nae::gateway {

class Outgoing {
 public:
  using Parts = std::array<boost::asio::const_buffer, 3>;

  // `header`: of HeaderText; it says how the body is framed, and `is_chunked` is what it says.
  Outgoing(std::string header, bool is_chunked)
      : before_(std::move(header)), is_chunked_(is_chunked) {}

  // What is to be sent next: the header, if it was not, and `piece`; `more`: others come after it.
  // Good until the next call. Before the end no piece is empty but the first.
  Parts next(boost::asio::const_buffer piece, bool more);

 private:
  std::string before_, after_;
  bool is_chunked_, has_sent_header_ = false;
};

}  // namespace nae::gateway

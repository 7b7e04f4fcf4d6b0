#include "gateway/outgoing.hpp"

#include <charconv>

namespace nae::gateway {

Outgoing::Parts Outgoing::next(boost::asio::const_buffer piece, bool more) {
  if (has_sent_header_) before_.clear();
  has_sent_header_ = true;
  after_.clear();
  if (is_chunked_ && piece.size() > 0) {
    char size[2 * sizeof(std::size_t)];
    before_.append(size, std::to_chars(std::begin(size), std::end(size), piece.size(), 16).ptr);
    before_.append("\r\n");
    after_ = "\r\n";
  }
  if (is_chunked_ && !more) after_ += "0\r\n\r\n";  // without trailers
  return {boost::asio::buffer(before_), piece, boost::asio::buffer(after_)};
}

}  // namespace nae::gateway

// A message's header as its bytes on the wire (RFC 9112 section 2.1), with the empty line after it.
#pragma once

#include <boost/beast/http/message.hpp>
#include <string>

namespace nae::gateway {

// In one piece: Beast's own serializer hands a list of parts to each call of the kernel, walked
// again by every layer in between. Names and values hold no line ends, as the parser has seen to.
std::string header_text(const boost::beast::http::request_header<>& header);
std::string header_text(const boost::beast::http::response_header<>& header);

}  // namespace nae::gateway

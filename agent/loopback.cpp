#include "agent/loopback.hpp"

#include <boost/asio/ip/address.hpp>

namespace nae::agent {

Result<void> check_loopback(const net::Endpoint& address) {
  boost::system::error_code error;
  const auto number = boost::asio::ip::make_address(address.host, error);
  if (!error && number.is_loopback()) return {};
  return fail(Code::config_invalid, "'" + address.host + "' is not an address of loopback");
}

}  // namespace nae::agent

#include "net/transmission.hpp"

#include <linux/tcp.h>  // netinet/tcp.h ends before the counts
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstddef>

namespace nae::net {

Transmission transmission_of(int descriptor) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return {};
  // Linux 4.19 and later; RFC 4898 names the counts.
  if (size < offsetof(tcp_info, tcpi_bytes_retrans) + sizeof info.tcpi_bytes_retrans) return {};
  return {info.tcpi_bytes_sent - info.tcpi_bytes_retrans + info.tcpi_notsent_bytes,
          info.tcpi_bytes_acked};
}

void discard_unacknowledged(int descriptor) {
  const linger at_once{1, 0};
  ::setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

}  // namespace nae::net

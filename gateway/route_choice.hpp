// The choice of a request's route, of one that is forwarded as of one that is tried out.
#pragma once

#include "gateway/forwarding.hpp"

namespace nae::gateway {

// nullptr: nobody's, and it streams through. `target`: of the request; `headers`: its end-to-end
// ones. An application may go by another host, path or method than the request's own; where that
// would be another route's the request is refused. Status 421: host_unclaimed, a route claims path
// and method for other hosts alone; host_ambiguous, the hosts that a trusted proxy names have
// different routes. Status 400: method_override, path_ambiguous.
Understood<const Route*> choose_route(const RouteTable& routes,
                                      const http::request_header<>& header,
                                      const std::vector<HeaderView>& headers,
                                      const RequestTarget& target, const Client& client);

}  // namespace nae::gateway

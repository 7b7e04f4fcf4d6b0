// Upgrade: whether a request asks for the protocol that its route may change to (RFC 9110 section
// 7.8).
#pragma once

#include "gateway/forwarding.hpp"
#include "gateway/inspection/route.hpp"

namespace nae::gateway {

// False too for another protocol, and where no route is for one (`route` nullptr or without one):
// the request is an ordinary one then. Status 400, upgrade_malformed: with a body, another method
// than GET, HTTP/1.0, twice, or without its name in Connection.
Understood<bool> asks_for_upgrade(const http::request_header<>& header, bool has_body,
                                  const Route* route);

}  // namespace nae::gateway

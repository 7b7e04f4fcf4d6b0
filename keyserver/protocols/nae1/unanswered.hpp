// Requests whose connection ended while the HSM worked for them.
#pragma once

#include "keyserver/protocols/nae1/parts.hpp"
#include "keyserver/protocols/nae1/waiting_requests.hpp"
#include "net/peer_identity.hpp"

namespace nae::nae1 {

// Nobody hears the answer, but the work may be done, as a signature is: the log says who asked, and
// that it was refused because the device was removed or its connection lost.
void record_unanswered(const Parts& parts, const net::PeerIdentity& peer,
                       const WaitingRequest& waiting);

}  // namespace nae::nae1

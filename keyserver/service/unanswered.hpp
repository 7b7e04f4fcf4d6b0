// Requests whose connection ended while the HSM worked for them.
#pragma once

#include "keyserver/service/nae_parts.hpp"
#include "keyserver/service/waiting_requests.hpp"
#include "net/peer_identity.hpp"

namespace nae::service {

// Nobody hears the answer, but the work may be done, as a signature is: the log says who asked, and
// that it was refused because the device was removed or its connection lost.
void record_unanswered(const NaeParts& parts, const net::PeerIdentity& peer,
                       const WaitingRequest& waiting);

}  // namespace nae::service

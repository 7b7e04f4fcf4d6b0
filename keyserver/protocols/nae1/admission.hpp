// Admission: who is let in on nae/1, and what those hear who are not.
#pragma once

#include <string>

#include "keyserver/protocols/nae1/parts.hpp"
#include "net/protocol.hpp"

namespace nae::nae1 {

// For the listener: a NaeProtocol for a device whose certificate is good and that has a seat.
// Others are told why not, and so few at a time that they keep no place from anybody; nullptr for
// the rest.
net::ProtocolFactory protocol_for(const Parts& parts);

// What a device hears whose certificate the register does not admit.
Error not_enrolled(const std::string& device);

}  // namespace nae::nae1

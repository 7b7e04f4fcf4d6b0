// Whether a host's text stands for a machine that others can call.
#pragma once

#include <string>

namespace nae {

// "0.0.0.0", "::" and all other spellings of every interface of a machine: an address to listen on,
// and none to call. The resolver takes "0" for it as well.
bool is_every_interface(const std::string& host);

// "ks1.example:7443", "[2001:db8::1]:7443"
std::string address_text(const std::string& host, unsigned port);

}  // namespace nae

// The actions a request can ask for, one function and one file each. All have the same shape:
// authorize, act on every item, say what was used.
#pragma once

#include "keyserver/operations/request.hpp"

namespace nae::operations {

Outcome encrypt(Request& request);
Outcome decrypt(Request& request);
// Of decrypt where a scheme is named: of what was encrypted to a public key.
Outcome decrypt_by_scheme(Request& request);
// Of encrypt and decrypt where a mode of AES is named.
Outcome cipher(Request& request);
Outcome derive(Request& request);
Outcome rewrap(Request& request);
Outcome sign(Request& request);
Outcome verify(Request& request);
Outcome mac(Request& request);
Outcome mac_verify(Request& request);
Outcome hash(Request& request);
Outcome random(Request& request);
Outcome search(Request& request);

}  // namespace nae::operations

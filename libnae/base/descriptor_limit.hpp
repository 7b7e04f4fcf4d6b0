// How many files this process may have open. The soft limit is 1024 nearly everywhere, for programs
// that use select(); servers have one descriptor a connection and may have as many as the hard one.
#pragma once

#include <cstdint>
#include <string>

namespace nae {

// Raises the soft limit to the hard one. Answers the limit that holds from now on.
std::uint64_t raise_descriptor_limit();

// Is this errno of open(2), accept(2) and the like a lack of descriptors: EMFILE, of this process,
// or ENFILE, of the machine?
bool lacks_descriptors(int error);
// By its name and with the limit that it is about: "EMFILE: this process may have 1024 open files".
std::string exhausted_text(int error);

}  // namespace nae

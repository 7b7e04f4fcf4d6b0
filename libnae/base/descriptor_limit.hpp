// How many files this process may have open. The soft limit is 1024 nearly everywhere, for programs
// that use select(); servers have one descriptor a connection and may have as many as the hard one.
#pragma once

#include <cstdint>

namespace nae {

// Raises the soft limit to the hard one. Answers the limit that holds from now on.
std::uint64_t raise_descriptor_limit();

}  // namespace nae

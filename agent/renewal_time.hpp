// When a host asks for its next certificate. Time and chance are parameters.
#pragma once

#include <chrono>
#include <cstdint>

#include "libnae/crypto/certificate_life.hpp"

namespace nae::agent {

using crypto::CertificateLife;

// At two thirds of its life and up to a twentieth of it later, by `chance` in [0, 1]: hosts that
// were enrolled together do not ask together.
std::int64_t renewal_due_s(const CertificateLife& life, double chance);

// Past this the renewal is late: two attempts at least have failed.
std::int64_t renewal_late_s(const CertificateLife& life);

// After `failures` in a row, 1 the first: from one minute doubling up to an hour, but not more than
// a twentieth of the time that is left, and at least five seconds; half to the whole of it, by
// `chance`.
std::chrono::seconds renewal_retry(unsigned failures, std::int64_t left_s, double chance);

}  // namespace nae::agent

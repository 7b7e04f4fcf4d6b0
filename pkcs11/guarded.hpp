// What runs at the edge to C: nothing is thrown through it.
#pragma once

#include <pthread.h>

#include <new>

#include "pkcs11/cryptoki.hpp"

namespace nae::pkcs11 {

// A thread that is cancelled while it waits in here is cancelled at its next cancellation point
// after that. pthread_cancel(3) unwinds, and an unwinding that ends in a handler of this module
// would end the process.
class NotCancelled {
 public:
  NotCancelled() { ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_); }
  ~NotCancelled() { ::pthread_setcancelstate(before_, nullptr); }
  NotCancelled(const NotCancelled&) = delete;
  NotCancelled& operator=(const NotCancelled&) = delete;

 private:
  int before_ = PTHREAD_CANCEL_ENABLE;
};

// Of any thread; what `call` throws is CKR_HOST_MEMORY or CKR_GENERAL_ERROR.
template <class Call>
CK_RV guarded(const Call& call) noexcept {
  const NotCancelled here;
  try {
    return call();
  } catch (const std::bad_alloc&) {
    return CKR_HOST_MEMORY;
  } catch (...) {
    return CKR_GENERAL_ERROR;
  }
}

}  // namespace nae::pkcs11

// handle<EVP_PKEY, EVP_PKEY_free>: owns one OpenSSL object, so that a forgotten free cannot be
// written.
#pragma once

#include <memory>

namespace nae {

template <auto Free>
struct HandleDeleter {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};

template <class T, auto Free>
using handle = std::unique_ptr<T, HandleDeleter<Free>>;

}  // namespace nae

// For test programs: takes the secure heap before the first test, and makes secrets from vectors.
//   namespace { const auto* const kHeap = nae::crypto::take_secure_heap_for_tests(); }
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "libnae/crypto/secret.hpp"

namespace nae::crypto {

inline constexpr std::size_t kTestHeapBytes = 1u << 20;

class SecureHeapEnvironment : public ::testing::Environment {
 public:
  void SetUp() override {
    auto heap = SecureHeap::take(kTestHeapBytes);
    ASSERT_TRUE(heap.has_value()) << heap.error().message << " " << heap.error().hint;
    heap_.emplace(std::move(*heap));
  }
  void TearDown() override { heap_.reset(); }

 private:
  std::optional<SecureHeap> heap_;
};

// Once a program, however many of its files ask for it.
inline ::testing::Environment* take_secure_heap_for_tests() {
  static ::testing::Environment* const only =
      ::testing::AddGlobalTestEnvironment(new SecureHeapEnvironment);
  return only;
}

inline SecretBytes secret_of(ByteView bytes) {
  SecretBytes secret(bytes.size());
  std::ranges::copy(bytes, secret.expose_for_writing().begin());
  return secret;
}

}  // namespace nae::crypto

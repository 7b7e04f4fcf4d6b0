// For test programs: takes the secure heap before the first test.
//   namespace { const auto* kHeap = nae::crypto::take_secure_heap_for_tests(); }
#pragma once

#include <gtest/gtest.h>

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

inline ::testing::Environment* take_secure_heap_for_tests() {
  return ::testing::AddGlobalTestEnvironment(new SecureHeapEnvironment);
}

}  // namespace nae::crypto

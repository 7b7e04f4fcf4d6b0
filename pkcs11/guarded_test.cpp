// What does not leave a call of the module.
#include "pkcs11/guarded.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <stdexcept>

#include "libnae/base/test_eventually.hpp"

namespace nae::pkcs11 {
namespace {

struct Waiting {
  int pipe[2] = {-1, -1};
  std::atomic<bool> is_inside = false;
  std::atomic<CK_RV> answered = CKR_FUNCTION_FAILED;
};

// Waits as a call waits for the agent, then comes to a cancellation point of the caller's.
void* wait_inside(void* given) {
  auto& waiting = *static_cast<Waiting*>(given);
  waiting.answered = guarded([&]() -> CK_RV {
    waiting.is_inside = true;
    pollfd watched{waiting.pipe[0], POLLIN, 0};
    return ::poll(&watched, 1, -1) == 1 ? CKR_OK : CKR_DEVICE_ERROR;
  });
  ::pthread_testcancel();
  return nullptr;
}

TEST(Guarded, AThreadThatIsCancelledEndsAfterTheCall) {
  Waiting waiting;
  ASSERT_EQ(::pipe(waiting.pipe), 0);
  pthread_t thread{};
  ASSERT_EQ(::pthread_create(&thread, nullptr, wait_inside, &waiting), 0);
  ASSERT_TRUE(eventually([&] { return waiting.is_inside.load(); }));
  ASSERT_EQ(::pthread_cancel(thread), 0);
  ASSERT_EQ(::write(waiting.pipe[1], "x", 1), 1);
  void* result = nullptr;
  ASSERT_EQ(::pthread_join(thread, &result), 0);
  EXPECT_EQ(result, PTHREAD_CANCELED);
  EXPECT_EQ(waiting.answered, CK_RV{CKR_OK}) << "the call was cut";
  for (const int end : waiting.pipe) ::close(end);
}

TEST(Guarded, WhatIsThrownIsAReturnValue) {
  EXPECT_EQ(guarded([]() -> CK_RV { throw std::bad_alloc(); }), CK_RV{CKR_HOST_MEMORY});
  EXPECT_EQ(guarded([]() -> CK_RV { throw std::runtime_error("x"); }), CK_RV{CKR_GENERAL_ERROR});
}

}  // namespace
}  // namespace nae::pkcs11

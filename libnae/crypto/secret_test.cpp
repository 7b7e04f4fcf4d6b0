#include "libnae/crypto/secret.hpp"

#include <gtest/gtest.h>
#include <openssl/crypto.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <new>
#include <type_traits>

#include "libnae/crypto/secure_heap_test_environment.hpp"

namespace nae::crypto {
namespace {

const auto* const kHeap = take_secure_heap_for_tests();

static_assert(!std::is_copy_constructible_v<SecretBytes>);
static_assert(!std::is_copy_assignable_v<SecretBytes>);

// Runs `body` in a child process and answers its exit status.
template <class Body>
int in_child(Body body) {
  pid_t child = fork();
  if (child == 0) _exit(body());
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

// These two run while the program has no secure heap yet: OpenSSL's own random generator may come
// to live in it, and then it cannot be given back.
const int kWithoutLockedMemory = in_child([] {
  rlimit none{0, 0};
  if (setrlimit(RLIMIT_MEMLOCK, &none) != 0) return 10;
  if (geteuid() == 0 && setuid(65534) != 0) return 11;  // root may lock whatever the limit
  auto heap = SecureHeap::take(1u << 16);
  if (heap) return 12;
  if (heap.error().hint.find("RLIMIT_MEMLOCK") == std::string::npos) return 13;
  return CRYPTO_secure_malloc_initialized() ? 14 : 0;  // nothing unlocked is left to use
});

const int kWithoutHeap = in_child([] {
  try {
    SecretBytes secret(32);
  } catch (const std::bad_alloc&) {
    return 0;
  }
  return 1;
});

TEST(SecureHeap, IsTakenOnce) {
  auto second = SecureHeap::take(1u << 16);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::internal);
}

TEST(SecureHeap, RefusesMemoryThatCannotBeLocked) {
  EXPECT_EQ(kWithoutLockedMemory, 0);
}

TEST(SecretBytes, ThrowsWithoutHeap) {
  EXPECT_EQ(kWithoutHeap, 0);
}

TEST(SecretBytes, ThrowsWhenTheHeapIsFull) {
  EXPECT_THROW(SecretBytes(2 * kTestHeapBytes), std::bad_alloc);
}

TEST(SecretBytes, LivesInTheSecureHeap) {
  SecretBytes secret(32);
  EXPECT_EQ(CRYPTO_secure_allocated(secret.expose().data()), 1);
}

// The heap stays mapped and hands the same block out again; its first words then hold the heap's
// own links, the rest what the last owner left.
TEST(SecretBytes, IsWipedWhenFreed) {
  constexpr std::size_t kBytes = 64, kLinks = 2 * sizeof(void*);
  const Byte* where = nullptr;
  {
    SecretBytes secret(kBytes);
    where = secret.expose().data();
    std::ranges::fill(secret.expose_for_writing(), Byte{0x5a});
  }
  EXPECT_TRUE(std::all_of(where + kLinks, where + kBytes, [](Byte b) { return b == 0; }));
}

TEST(SecretBytes, IsWipedWhenAssignedTo) {
  constexpr std::size_t kBytes = 64, kLinks = 2 * sizeof(void*);
  SecretBytes secret(kBytes);
  const Byte* where = secret.expose().data();
  std::ranges::fill(secret.expose_for_writing(), Byte{0x5a});
  secret = SecretBytes();
  EXPECT_EQ(secret.size(), 0u);
  EXPECT_TRUE(std::all_of(where + kLinks, where + kBytes, [](Byte b) { return b == 0; }));
}

TEST(SecretBytes, MovesWithoutCopy) {
  SecretBytes first(32);
  const Byte* where = first.expose().data();
  SecretBytes second(std::move(first));
  EXPECT_EQ(second.expose().data(), where);
  EXPECT_EQ(first.size(), 0u);  // NOLINT(bugprone-use-after-move): what a moved-from secret holds
}

TEST(EqualInConstantTime, ComparesAllBytesAndSizes) {
  Byte a[] = {1, 2, 3}, b[] = {1, 2, 3}, c[] = {1, 2, 4}, d[] = {0, 2, 3};
  EXPECT_TRUE(equal_in_constant_time(a, b));
  EXPECT_FALSE(equal_in_constant_time(a, c));
  EXPECT_FALSE(equal_in_constant_time(a, d));
  EXPECT_FALSE(equal_in_constant_time(a, ByteView(b).first(2)));
  EXPECT_TRUE(equal_in_constant_time({}, {}));
}

}  // namespace
}  // namespace nae::crypto

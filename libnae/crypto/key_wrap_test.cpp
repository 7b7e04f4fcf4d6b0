#include "libnae/crypto/key_wrap.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "libnae/crypto/secure_heap_test_environment.hpp"
#include "tests/vectors/vector_file.hpp"

namespace nae::crypto {
namespace {

[[maybe_unused]] const auto* const kHeap = take_secure_heap_for_tests();

SecretBytes secret_of(ByteView bytes) {
  SecretBytes secret(bytes.size());
  std::ranges::copy(bytes, secret.expose_for_writing().begin());
  return secret;
}

TEST(KeyWrap, WrapsAndUnwrapsAsPythonsCryptographyDoes) {
  std::size_t done = 0;
  for (const auto& v : vectors::read("import.txt")) {
    const SecretBytes by = secret_of(v.bytes("transport_key"));
    if (by.size() != 32) continue;
    EXPECT_EQ(wrap_kwp(by, v.bytes("material")).value(), v.bytes("wrapped"));
    const auto key = unwrap_kwp(by, v.bytes("wrapped"));
    ASSERT_TRUE(key) << v.line;
    EXPECT_TRUE(std::ranges::equal(key->expose(), v.bytes("material"))) << v.line;
    ++done;
  }
  EXPECT_EQ(done, 2u);
}

TEST(KeyWrap, AnythingChangedIsRefused) {
  const Bytes key(32, 7);
  const SecretBytes by = secret_of(Bytes(32, 1));
  const Bytes wrapped = wrap_kwp(by, key).value();
  for (std::size_t i = 0; i < wrapped.size(); ++i) {
    Bytes changed = wrapped;
    changed[i] ^= 1;
    const auto opened = unwrap_kwp(by, changed);
    ASSERT_FALSE(opened) << i;
    EXPECT_EQ(opened.error().code, Code::authentication_failed);
  }
  for (std::size_t size = 0; size < wrapped.size(); ++size)
    EXPECT_FALSE(unwrap_kwp(by, ByteView(wrapped).first(size))) << size;
  EXPECT_FALSE(unwrap_kwp(secret_of(Bytes(32, 2)), wrapped));
  EXPECT_FALSE(unwrap_kwp(secret_of(Bytes(16, 1)), wrapped)) << "a key of 32 bytes";
  EXPECT_FALSE(wrap_kwp(by, {}));
}

}  // namespace
}  // namespace nae::crypto

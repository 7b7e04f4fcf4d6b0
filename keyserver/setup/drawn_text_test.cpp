#include "keyserver/setup/drawn_text.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "keyserver/setup/custody.hpp"
#include "libnae/crypto/secure_heap_test_environment.hpp"
#include "libnae/crypto/software_card.hpp"
#include "libnae/crypto/test_ordinary_memory.hpp"
#include "libnae/pkcs11/pin_file.hpp"

namespace nae::setup {
namespace {

namespace fs = std::filesystem;

[[maybe_unused]] const auto* const kHeap = crypto::take_secure_heap_for_tests();

class DrawnTextTest : public ::testing::Test {
 protected:
  DrawnTextTest() {
    char name[] = "/tmp/nae-drawn-XXXXXX";
    directory_ = ::mkdtemp(name);
  }
  ~DrawnTextTest() override { fs::remove_all(directory_); }
  fs::path directory_;
};

TEST_F(DrawnTextTest, TheFileHoldsTheTextForItsOwnerAlone) {
  const auto text = write_drawn_text(directory_ / "pin");
  ASSERT_TRUE(text) << text.error().message;
  const auto read = pkcs11::read_pin(directory_ / "pin");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_TRUE(crypto::equal_in_constant_time(text->expose(), read->value.expose()));
  EXPECT_EQ(text->size(), 32u);
  struct stat status {};
  ASSERT_EQ(::stat((directory_ / "pin").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  const auto other = write_drawn_text(directory_ / "so-pin");
  ASSERT_TRUE(other);
  EXPECT_FALSE(crypto::equal_in_constant_time(text->expose(), other->expose()));
  const auto again = write_drawn_text(directory_ / "pin");
  ASSERT_FALSE(again) << "no PIN in use is written over";
  EXPECT_EQ(again.error().code, Code::file_failed);
}

// What copies bytes may leave them in frames that are over, and does so now and then.
[[gnu::noinline]] void overwrite_dead_frames() {
  volatile char room[64 << 10];
  for (std::size_t i = 0; i < sizeof room; ++i) room[i] = 0;
}

// The test of the test: bytes in the heap are found, and no more once they are wiped.
TEST_F(DrawnTextTest, OrdinaryMemoryIsSearched) {
  const auto text = write_drawn_text(directory_ / "pin");
  ASSERT_TRUE(text);
  {
    const Bytes copy(text->expose().begin(), text->expose().end());
    EXPECT_TRUE(crypto::is_in_ordinary_memory(*text));
  }
  overwrite_dead_frames();
  EXPECT_FALSE(crypto::is_in_ordinary_memory(*text));
}

TEST_F(DrawnTextTest, APassphraseIsInNoOrdinaryMemory) {
  const auto card = make_software_card(directory_);
  ASSERT_TRUE(card) << card.error().message;
  const auto passphrase = pkcs11::read_pin(directory_ / "passphrase");
  ASSERT_TRUE(passphrase) << passphrase.error().message;
  EXPECT_FALSE(crypto::is_in_ordinary_memory(passphrase->value));
}

}  // namespace
}  // namespace nae::setup

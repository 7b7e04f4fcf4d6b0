// Where SoftHSM2's tokens are to be, as its configuration says it; and whose files a server works
// on.
#include "keyserver/server/token_directory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "keyserver/server/owner.hpp"
#include "net/test_certificates.hpp"

namespace nae::server {
namespace {

using testing::HasSubstr;

class TokenDirectoryTest : public testing::Test {
 protected:
  TokenDirectoryTest() { std::filesystem::create_directory(directory_ / "tokens"); }
  Result<void> check(const std::string& text) {
    const std::string file = directory_ / "softhsm2.conf";
    std::ofstream(file, std::ios::trunc) << text;
    return check_token_directory(file);
  }
  net::testing::TemporaryDirectory directory_;
  const std::string there_ = directory_ / "tokens", gone_ = directory_ / "gone";
};

TEST_F(TokenDirectoryTest, NamesTheDirectoryThatIsNotThere) {
  for (const std::string& line :
       {"directories.tokendir = " + gone_, "directories.tokendir=" + gone_,
        "directories.tokendir\t=\t" + gone_ + " \r",
        "log.level = ERROR\ndirectories.tokendir = " + gone_,
        "directories.tokendir =\ndirectories.tokendir = " + gone_ + "\n"}) {
    auto checked = check(line);
    ASSERT_FALSE(checked) << line;
    EXPECT_EQ(checked.error().code, Code::hsm_token_missing);
    EXPECT_THAT(checked.error().message, HasSubstr("directory " + gone_ + ", which"));
    EXPECT_THAT(checked.error().message, HasSubstr("softhsm2.conf names"));
  }
}

TEST_F(TokenDirectoryTest, AFileInItsPlaceIsNone) {
  std::ofstream(gone_) << "";
  EXPECT_EQ(check("directories.tokendir = " + gone_).error().code, Code::hsm_token_missing);
}

TEST_F(TokenDirectoryTest, TheRestIsLeftToSoftHsm) {
  EXPECT_TRUE(check("directories.tokendir = " + there_ + "\n"));
  EXPECT_TRUE(check("directories.tokendir = " + there_ + "  \r\n")) << "blanks belong to no name";
  EXPECT_TRUE(check(""));
  EXPECT_TRUE(check("directories.tokendir"));
  EXPECT_TRUE(check("directories.tokendir =   \n"));
  EXPECT_TRUE(check("# directories.tokendir = " + gone_));
  EXPECT_TRUE(check_token_directory(directory_ / "no-file"));
}

TEST(CheckOwner, IsOfWhatIsThere) {
  net::testing::TemporaryDirectory directory;
  const std::string file = directory / "keys.db";
  EXPECT_TRUE(check_owner(std::filesystem::path(file))) << "nobody's yet";
  std::ofstream{file};
  EXPECT_TRUE(check_owner(std::filesystem::path(file)));
  // Only root may give a file away; everybody else finds what is root's.
  const bool is_root = ::geteuid() == 0;
  if (is_root) {
    ASSERT_EQ(::chown(file.c_str(), 65534, 65534), 0);
  }
  auto other = check_owner(std::filesystem::path(is_root ? file : "/etc/passwd"));
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Code::config_invalid);
  EXPECT_THAT(other.error().message,
              HasSubstr(is_root ? " belongs to user nobody, and this is user root"
                                : " belongs to user root, and this is user "));
  EXPECT_THAT(other.error().hint, HasSubstr(is_root ? "runuser -u nobody" : "runuser -u root"));
}

}  // namespace
}  // namespace nae::server

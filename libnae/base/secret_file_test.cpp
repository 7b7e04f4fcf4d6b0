#include "libnae/base/secret_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nae {
namespace {

bool is_secret(uid_t owner, mode_t mode, mode_t kind = S_IFREG) {
  struct stat status {};
  status.st_uid = owner;
  status.st_mode = kind | mode;
  return check_secrecy(status, "a.key").has_value();
}

TEST(SecretFile, ItsOwnerAloneMayOpenIt) {
  for (uid_t owner : {0u, 1000u})
    for (mode_t mode : {0400, 0600}) EXPECT_TRUE(is_secret(owner, mode)) << owner;
  for (mode_t mode : {0604, 0602, 0601, 0644, 0666})
    for (uid_t owner : {0u, 1000u}) EXPECT_FALSE(is_secret(owner, mode)) << std::oct << mode;
}

TEST(SecretFile, AGroupMayReadWhatIsRoots) {
  for (mode_t mode : {0440, 0640, 0040}) {
    EXPECT_TRUE(is_secret(0, mode)) << std::oct << mode;
    EXPECT_FALSE(is_secret(1000, mode)) << std::oct << mode;
  }
  for (mode_t mode : {0660, 0620, 0610, 0644, 0441}) EXPECT_FALSE(is_secret(0, mode));
}

TEST(SecretFile, WhatIsNoFileIsNone) {
  for (mode_t kind : {S_IFDIR, S_IFIFO, S_IFSOCK, S_IFCHR}) EXPECT_FALSE(is_secret(0, 0600, kind));
}

TEST(SecretFile, TheErrorSaysWhatToDo) {
  struct stat status {};
  status.st_uid = 1000;
  status.st_mode = S_IFREG | 0644;
  EXPECT_THAT(check_secrecy(status, "/etc/a.key").error().hint,
              testing::HasSubstr("chmod 600 /etc/a.key"));
}

}  // namespace
}  // namespace nae

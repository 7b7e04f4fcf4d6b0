#include "keyserver/server/room.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/statvfs.h>

#include "keyserver/server/test_installation.hpp"

namespace nae::server {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

std::uint64_t all_bytes(const fs::path& directory) {
  struct statvfs disk {};
  EXPECT_EQ(::statvfs(directory.c_str(), &disk), 0);
  return std::uint64_t{disk.f_blocks} * disk.f_frsize;
}

TEST(Room, WhatIsThereIsFound) {
  const fs::path here = fs::temp_directory_path();
  EXPECT_TRUE(find_room("a test", {}));
  EXPECT_TRUE(find_room("a test", {{here, 0}, {here, 4096}}));
  EXPECT_TRUE(find_room("a test", {{here / "not/there", ~std::uint64_t{0}}}));
}

// Others write at the same time: what is free is another moment another figure, how large the disk
// is is not.
TEST(Room, DirectoriesOfOneDiskShareIt) {
  const fs::path here = fs::temp_directory_path();
  constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
  const std::uint64_t half = (all_bytes(here) / 2 / kMiB + 1) * kMiB;
  const auto both = find_room("a test", {{here, half}, {here / ".", half}});
  ASSERT_FALSE(both);
  EXPECT_EQ(both.error().code, Code::file_failed);
  EXPECT_THAT(both.error().message, HasSubstr("no room for a test: it takes " +
                                              std::to_string(2 * half / kMiB) + " MiB in "));
  EXPECT_THAT(both.error().message, HasSubstr(here.string()));
}

class RoomToWork : public InstallationTest {};

TEST_F(RoomToWork, IsThatOfStoreAndToken) {
  const auto rooms = room_to_work(config_);
  ASSERT_EQ(rooms.size(), 2u);
  EXPECT_EQ(rooms[0].directory, directory_ / "server");
  EXPECT_EQ(rooms[1].directory, directory_ / "server/hsm/tokens");
  config_.hsm.softhsm_configuration.clear();
  EXPECT_EQ(room_to_work(config_).size(), 1u) << "another module keeps its keys elsewhere";
}

}  // namespace
}  // namespace nae::server

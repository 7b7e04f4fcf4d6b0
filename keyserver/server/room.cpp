#include "keyserver/server/room.hpp"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>

#include "keyserver/server/token_directory.hpp"

namespace nae::server {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr std::uint64_t kTokenBytes = kMiB;       // some 40 objects
constexpr std::uint64_t kBesideBytes = 4 * kMiB;  // custody files, notes, SQLite's log of changes

struct Disk {
  ::dev_t device{};
  Room room;  // `directory`: the first of them
};

}  // namespace

Result<void> find_room(const std::string& purpose, const std::vector<Room>& wanted) {
  std::vector<Disk> disks;
  for (const Room& room : wanted) {
    struct stat status {};
    if (::stat(room.directory.c_str(), &status) != 0) continue;
    const auto known = std::ranges::find(disks, status.st_dev, &Disk::device);
    if (known == disks.end())
      disks.push_back({status.st_dev, room});
    else
      known->room.bytes += room.bytes;
  }
  for (const Disk& disk : disks) {
    struct statvfs there {};
    if (::statvfs(disk.room.directory.c_str(), &there) != 0 || there.f_blocks == 0) continue;
    const std::uint64_t free = std::uint64_t{there.f_bavail} * there.f_frsize;
    if (free >= disk.room.bytes) continue;
    return fail(Code::file_failed,
                "no room for " + purpose + ": it takes " +
                    std::to_string((disk.room.bytes + kMiB - 1) / kMiB) + " MiB in " +
                    disk.room.directory.string() + ", and " + std::to_string(free / kMiB) +
                    " MiB are free",
                "Free space there; nothing was begun.");
  }
  return {};
}

std::vector<Room> room_to_work(const config::Config& config) {
  std::vector<Room> rooms = {{config::group_directory(config), kBesideBytes}};
  if (const auto tokens = token_directory(config.hsm.softhsm_configuration))
    rooms.push_back({*tokens, kTokenBytes});
  return rooms;
}

}  // namespace nae::server

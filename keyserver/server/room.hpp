// Room on disks, looked for before something is begun that a full one would leave half done.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "keyserver/config/config.hpp"
#include "libnae/base/result.hpp"

namespace nae::server {

struct Room {
  std::filesystem::path directory;
  std::uint64_t bytes = 0;
};

// Directories on one disk take the sum of what they take. Code::file_failed, naming directory, what
// `purpose` ("a backup") takes and what is free; a disk that does not say has room.
Result<void> find_room(const std::string& purpose, const std::vector<Room>& wanted);

// What a command takes that logs in to the token and changes what is beside the store: SoftHSM2
// writes its token anew at each login, and one that did not fit opens with no PIN any more.
std::vector<Room> room_to_work(const config::Config& config);

}  // namespace nae::server

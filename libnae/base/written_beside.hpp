// Files that are written under another name beside their own: whose they are. Their writer holds
// them locked; who is killed leaves one that nobody holds.
#pragma once

#include <filesystem>
#include <string>

namespace nae {

// Whether `name` is, at this moment, the file that is open here.
bool is_named(int descriptor, const std::filesystem::path& name);

// False when another has it locked, in this process or another one. A file system that keeps no
// locks refuses nothing.
bool lock_written(int descriptor);

// Whether what was found, and is open here, has no writer: its lock is had. Where a file system
// keeps no locks nobody knows, and it is not.
bool nobody_writes(int left);

// Closes a second descriptor, for network file systems that tell of a full disk only there: of the
// first the lock would go with it. False, and errno, when that fails.
bool close_another(int descriptor);

// The other name: ".NAME.PID-ATTEMPT.new".
std::filesystem::path name_beside(const std::filesystem::path& file, long process, int attempt);

// Removes what writers that were killed left beside `file` under such names. What is or may be
// being written, what cannot be opened, and a link stay.
void remove_left_beside(const std::filesystem::path& file);

}  // namespace nae

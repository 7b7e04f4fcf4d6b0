// Whole files: read with a bound, and written whole or not at all.
#pragma once

#include <filesystem>
#include <string>

#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"

namespace nae {

// The whole file. Code::file_failed, also when it is longer than `max_bytes`.
Result<std::string> read_file(const std::filesystem::path& file, std::size_t max_bytes);

// By anything: a link that leads nowhere takes a name too.
bool name_is_taken(const std::filesystem::path& file);

// A file that is written under another name beside its own, flushed to the disk and then renamed: a
// full disk or a kill leaves what was there before, never a part. The next one for the same name
// removes what a kill left under the other. Whoever must know beforehand that it can be written (an
// answer that cannot be asked for twice) reserves its room first.
class NewFile {
 public:
  // `room_bytes` are on the disk when this returns. `mode` is the file's from its first moment.
  static Result<NewFile> reserve(const std::filesystem::path& file, unsigned mode,
                                 std::size_t room_bytes = 0);
  ~NewFile();  // what was not written is removed
  NewFile(NewFile&& other) noexcept;
  NewFile& operator=(NewFile&&) = delete;

  // Code::file_failed when the name is taken meanwhile.
  Result<void> write(ByteView content);
  // On the disk when it returns, under the other name yet: all but the rename can fail here.
  Result<void> hold(ByteView content);
  // What is held takes the place of what has the name.
  Result<void> replace();
  Result<void> replace(ByteView content);
  // Whether the name is on the disk, too: a power cut after it takes it back no more.
  bool is_durable() const { return is_durable_; }

 private:
  NewFile(std::filesystem::path file, std::filesystem::path beside, int descriptor)
      : file_(std::move(file)), beside_(std::move(beside)), descriptor_(descriptor) {}
  // What gets the name is what was written here, and nothing that another has put there.
  Result<void> check_beside() const;

  std::filesystem::path file_, beside_;  // `beside_` is empty once it is renamed
  int descriptor_ = -1;                  // with the lock, as long as this lives
  bool is_durable_ = false;
};

// Makes a file that did not exist. Code::file_failed when it exists.
Result<void> write_new_file(const std::filesystem::path& file, ByteView content, unsigned mode);
// Makes a file, or takes the place of one.
Result<void> replace_file(const std::filesystem::path& file, ByteView content, unsigned mode);

}  // namespace nae

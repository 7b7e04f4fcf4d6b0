// A file that comes piece by piece, and is whole or not there: written under another name beside
// its own, flushed, and renamed at the end.
#pragma once

#include <filesystem>

#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"

namespace nae {

class StreamedFile {
 public:
  // The other name: ".NAME.part". One that a kill left is removed; one that another writes is
  // locked, and refused. Code::file_failed, also when the name itself is taken.
  static Result<StreamedFile> create(const std::filesystem::path& file, unsigned mode);
  static std::filesystem::path part_of(const std::filesystem::path& file);  // that name
  ~StreamedFile();  // what was not published is removed
  StreamedFile(StreamedFile&& other) noexcept;
  StreamedFile& operator=(StreamedFile&&) = delete;

  Result<void> append(ByteView piece);
  // On the disk when it returns, under the other name yet: to be read again before it counts.
  Result<void> flush();
  const std::filesystem::path& beside() const { return beside_; }
  // Code::file_failed when the name was taken meanwhile, or what is under the other name is not
  // what was written here: where locks are not kept, as on some network file systems, two may meet.
  Result<void> publish();

 private:
  StreamedFile(std::filesystem::path file, std::filesystem::path beside, int descriptor)
      : file_(std::move(file)), beside_(std::move(beside)), descriptor_(descriptor) {}
  bool is_beside() const;

  std::filesystem::path file_, beside_;  // `beside_` is empty once it is renamed
  int descriptor_ = -1;                  // with the lock, until it is published
};

}  // namespace nae

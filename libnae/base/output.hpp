// Output of a program: what cannot be written is an error, and nothing of it is lost in silence.
#pragma once

#include <array>
#include <ostream>
#include <streambuf>

#include "libnae/base/result.hpp"

namespace nae {

// Writes to a descriptor, which stays the caller's. After the first failure nothing more is
// written: a table with a hole in it would look whole.
class DescriptorBuffer final : public std::streambuf {
 public:
  explicit DescriptorBuffer(int descriptor);
  ~DescriptorBuffer() override;

 protected:
  int_type overflow(int_type next) override;
  int sync() override;  // -1, and errno says why the first write failed that did

 private:
  static constexpr std::size_t kBytes = 64u << 10;
  const int descriptor_;
  int failed_ = 0;  // errno
  std::array<char, kBytes> buffer_;
};

// Flushes. Code::file_failed when anything written to `out` since its beginning did not get where
// it goes; `reader_left` is set when that is a pipe whose reader has ended, as `head` does.
Result<void> written(std::ostream& out, bool* reader_left = nullptr);

// Standard input, output and error are open from now on, so that no file or connection that is
// opened later has one of their numbers and is written to as if it were the terminal. One that was
// closed cannot be written: that shows as an error. A reader that ends and a file at its size limit
// are errors too, not signals. In every main, before anything is opened.
void open_standard_descriptors();

}  // namespace nae

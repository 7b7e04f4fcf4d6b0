#include "keyserver/hsm/pin_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace nae::hsm {
namespace {

constexpr std::size_t kPinMaxBytes = 255;

struct Descriptor {
  int number;
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
};

}  // namespace

Result<Pin> read_pin(const std::filesystem::path& file) {
  const std::string named = "PIN file '" + file.string() + "'";
  const Descriptor opened{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  struct stat status {};
  if (opened.number < 0 || ::fstat(opened.number, &status) != 0)
    return fail(Code::file_failed, named + ": " + std::strerror(errno));
  if (!S_ISREG(status.st_mode)) return fail(Code::file_failed, named + " is not a regular file");
  if (status.st_mode & (S_IRWXG | S_IRWXO))
    return fail(Code::file_failed, named + " is open to others than its owner",
                "chmod 600 " + file.string());

  crypto::SecretBytes buffer(kPinMaxBytes + 2);  // room to see that there is too much
  const ByteSpan room = buffer.expose_for_writing();
  std::size_t size = 0;
  while (size < room.size()) {
    const ssize_t got = ::read(opened.number, room.data() + size, room.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(Code::file_failed, named + ": " + std::strerror(errno));
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > 0 && room[size - 1] == '\n') --size;
  if (size == 0) return fail(Code::file_failed, named + " is empty");
  if (size > kPinMaxBytes)
    return fail(Code::file_failed,
                named + " is longer than " + std::to_string(kPinMaxBytes) + " bytes");

  Pin pin{crypto::SecretBytes(size),
          std::to_string(status.st_ino) + "." + std::to_string(status.st_mtim.tv_sec) + "." +
              std::to_string(status.st_mtim.tv_nsec) + "." + std::to_string(status.st_size)};
  std::copy_n(room.begin(), size, pin.value.expose_for_writing().begin());
  return pin;
}

}  // namespace nae::hsm

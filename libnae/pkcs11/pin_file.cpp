#include "libnae/pkcs11/pin_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "libnae/base/secret_file.hpp"

namespace nae::pkcs11 {
namespace {

constexpr std::size_t kPinMaxBytes = 255;

struct Descriptor {
  int number;
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
};

// What editors and copying add to a PIN. The token would count each of these as a wrong PIN, and
// locks itself after a few; so they are found before it is asked. Null when it may be one.
const char* not_a_pin(ByteView text) {
  constexpr Byte kByteOrderMark[] = {0xef, 0xbb, 0xbf};
  if (text.size() >= 3 && std::equal(kByteOrderMark, kByteOrderMark + 3, text.begin()))
    return "begins with a byte order mark, which is no part of a PIN";
  if (text.back() == '\r') return "has a line that ends in CR LF: a PIN is followed by LF alone";
  if (std::find(text.begin(), text.end(), '\n') != text.end())
    return "has more than one line, or an empty one";
  auto is_blank = [](Byte byte) { return byte == ' ' || byte == '\t'; };
  if (is_blank(text.front()) || is_blank(text.back())) return "has blanks around the PIN";
  if (std::any_of(text.begin(), text.end(), [](Byte byte) { return byte < 0x20 || byte == 0x7f; }))
    return "holds control characters; is it text?";
  return nullptr;
}

}  // namespace

Result<Pin> read_pin(const std::filesystem::path& file) {
  const std::string named = "PIN file '" + file.string() + "'";
  const Descriptor opened{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  struct stat status {};
  if (opened.number < 0 || ::fstat(opened.number, &status) != 0)
    return fail(Code::file_failed, named + ": " + std::strerror(errno));
  NAE_TRY(check_secrecy(status, file));

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
  if (const char* why = not_a_pin(room.first(size)))
    return fail(Code::file_failed, named + " " + why, "Write it again: printf '%s\\n' PIN >FILE");

  Pin pin{crypto::SecretBytes(size),
          std::to_string(status.st_ino) + "." + std::to_string(status.st_mtim.tv_sec) + "." +
              std::to_string(status.st_mtim.tv_nsec) + "." + std::to_string(status.st_size)};
  std::copy_n(room.begin(), size, pin.value.expose_for_writing().begin());
  return pin;
}

}  // namespace nae::pkcs11

#include "keyserver/setup/drawn_text.hpp"

#include <sys/stat.h>

#include <algorithm>

#include "libnae/base/file.hpp"
#include "libnae/crypto/random.hpp"

namespace nae::setup {
namespace {

constexpr std::size_t kDrawnBytes = 16;
constexpr std::string_view kDigits = "0123456789abcdef";

}  // namespace

Result<crypto::SecretBytes> write_drawn_text(const std::filesystem::path& file) {
  crypto::SecretBytes drawn(kDrawnBytes), line(2 * kDrawnBytes + 1);
  NAE_TRY(crypto::random_bytes(drawn.expose_for_writing()));
  const ByteSpan out = line.expose_for_writing();
  for (std::size_t i = 0; i < kDrawnBytes; ++i) {
    out[2 * i] = static_cast<Byte>(kDigits[drawn.expose()[i] >> 4]);
    out[2 * i + 1] = static_cast<Byte>(kDigits[drawn.expose()[i] & 0xf]);
  }
  out.back() = '\n';
  NAE_TRY(write_new_file(file, line.expose(), S_IRUSR | S_IWUSR));
  crypto::SecretBytes text(line.size() - 1);
  std::ranges::copy(line.expose().first(text.size()), text.expose_for_writing().begin());
  return text;
}

}  // namespace nae::setup

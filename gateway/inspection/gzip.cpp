#include "gateway/inspection/gzip.hpp"

#include <string.h>
#include <zlib.h>

#include <algorithm>
#include <cstdlib>
#include <new>

namespace nae::gateway {
namespace {

constexpr int kGzipAlone = 16 + MAX_WBITS;  // of inflateInit2
constexpr std::size_t kStepBytes = 64 << 10;
constexpr std::size_t kSizeBytes = alignof(std::max_align_t);

// Its window has plaintext.
voidpf allocate(voidpf /*unused*/, uInt items, uInt size) {
  const std::size_t wanted = std::size_t{items} * size;
  auto* block = static_cast<Byte*>(std::malloc(kSizeBytes + wanted));
  if (block == nullptr) return nullptr;
  *reinterpret_cast<std::size_t*>(block) = wanted;
  return block + kSizeBytes;
}

void release(voidpf /*unused*/, voidpf address) {
  if (address == nullptr) return;
  Byte* block = static_cast<Byte*>(address) - kSizeBytes;
  ::explicit_bzero(address, *reinterpret_cast<std::size_t*>(block));
  std::free(block);
}

class Inflater {
 public:
  explicit Inflater(ByteView body) {
    stream_.zalloc = allocate;
    stream_.zfree = release;
    stream_.next_in = const_cast<Byte*>(body.data());  // which it only reads
    stream_.avail_in = static_cast<uInt>(body.size());
    if (::inflateInit2(&stream_, kGzipAlone) != Z_OK) throw std::bad_alloc();
  }
  ~Inflater() { ::inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // Appends at most `room` bytes. Z_STREAM_END at the end of a member.
  int append_to(Bytes& out, std::size_t room) {
    const std::size_t before = out.size();
    out.resize(before + room);
    stream_.next_out = out.data() + before;
    stream_.avail_out = static_cast<uInt>(room);
    const int code = ::inflate(&stream_, Z_NO_FLUSH);
    out.resize(out.size() - stream_.avail_out);
    return code;
  }
  std::size_t left() const { return stream_.avail_in; }

 private:
  z_stream stream_{};
};

}  // namespace

Understood<Bytes> gunzip(ByteView body, std::size_t most) {
  const auto malformed = [](const char* why) { return refuse(400, "gzip_malformed", why); };
  const std::size_t dense = most_out_of(body.size());
  Inflater inflater(body);
  Bytes out;
  while (true) {
    // One byte more than it may be, which tells that it is larger.
    const std::size_t limit = std::min(most, dense) + 1;
    if (out.size() + kStepBytes > out.capacity())
      out.reserve(std::min(limit, std::max(kStepBytes, 2 * out.capacity())));
    const int code = inflater.append_to(out, std::min(kStepBytes, limit - out.size()));
    if (out.size() == limit)
      return most < dense ? refuse(413, "body_too_large", "the body is too large")
                          : refuse(413, "body_too_dense", "the body is compressed too much");
    if (code == Z_STREAM_END) break;
    if (code == Z_BUF_ERROR) return malformed("the compressed body ends early");
    if (code != Z_OK) return malformed("the body is no gzip");
  }
  if (inflater.left() > 0) return malformed("something stands behind the compressed body");
  return out;
}

}  // namespace nae::gateway

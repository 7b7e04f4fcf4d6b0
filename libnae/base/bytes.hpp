// Bytes as the rest of the code passes them: views, owned strings of bytes, big-endian reading
// and writing with every length checked.
#pragma once

#include <string.h>  // explicit_bzero

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace nae {

using Byte = std::uint8_t;
using ByteView = std::span<const Byte>;
using ByteSpan = std::span<Byte>;

// Any buffer may hold a plaintext on its way, so every buffer is wiped when its memory is given
// back, growth included. New bytes are left unset: frames are filled, not cleared and filled.
template <class T>
struct WipingAllocator : std::allocator<T> {
  using value_type = T;
  WipingAllocator() = default;
  template <class U>
  explicit WipingAllocator(const WipingAllocator<U>&) noexcept {}
  template <class U>
  struct rebind {
    using other = WipingAllocator<U>;
  };
  void deallocate(T* p, std::size_t n) noexcept {
    ::explicit_bzero(p, n * sizeof(T));
    std::allocator<T>::deallocate(p, n);
  }
  template <class U>
  void construct(U* p) noexcept {
    ::new (static_cast<void*>(p)) U;
  }
  template <class U, class... Args>
  void construct(U* p, Args&&... args) {
    ::new (static_cast<void*>(p)) U(std::forward<Args>(args)...);
  }
};

using Bytes = std::vector<Byte, WipingAllocator<Byte>>;

inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const Byte*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

template <std::unsigned_integral T>
inline void store_big_endian(Byte* out, T value) {
  for (std::size_t i = sizeof(T); i-- > 0; value = static_cast<T>(value >> 7 >> 1))
    out[i] = static_cast<Byte>(value);
}
template <std::unsigned_integral T>
inline T load_big_endian(const Byte* in) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) value = static_cast<T>((value << 7 << 1) | in[i]);
  return value;
}

// Appends to a caller's buffer, so that one allocation serves a whole frame.
class ByteWriter {
 public:
  explicit ByteWriter(Bytes& out) : out_(out) {}

  void u8(std::uint8_t v) { out_.push_back(v); }
  void u16(std::uint16_t v) { integer(v); }
  void u32(std::uint32_t v) { integer(v); }
  void u64(std::uint64_t v) { integer(v); }
  void raw(ByteView v) { out_.insert(out_.end(), v.begin(), v.end()); }
  // u16 length, then the bytes. The caller keeps texts below 64 KiB; longer ones are cut.
  void text(std::string_view v) {
    v = v.substr(0, UINT16_MAX);
    u16(static_cast<std::uint16_t>(v.size()));
    raw(as_bytes(v));
  }
  // Grows by `size` bytes and answers where they start; valid until the next write.
  ByteSpan reserve(std::size_t size) {
    out_.resize(out_.size() + size);
    return {out_.data() + out_.size() - size, size};
  }
  std::size_t position() const { return out_.size(); }

 private:
  template <class T>
  void integer(T v) {
    Byte b[sizeof(T)];
    store_big_endian(b, v);
    raw(b);
  }
  Bytes& out_;
};

// Reads a message front to back. A read past the end answers zero or empty and makes ok() false
// from then on: a parser reads straight through and asks once, before it uses a value.
class ByteReader {
 public:
  explicit ByteReader(ByteView in) : in_(in) {}

  std::uint8_t u8() { return integer<std::uint8_t>(); }
  std::uint16_t u16() { return integer<std::uint16_t>(); }
  std::uint32_t u32() { return integer<std::uint32_t>(); }
  std::uint64_t u64() { return integer<std::uint64_t>(); }
  ByteView raw(std::size_t size) {
    if (size > in_.size() - at_ || !ok_) {
      ok_ = false;
      return {};
    }
    ByteView view = in_.subspan(at_, size);
    at_ += size;
    return view;
  }
  std::string_view text() { return as_text(raw(u16())); }

  bool ok() const { return ok_; }
  std::size_t remaining() const { return in_.size() - at_; }
  // Everything was read and nothing is left: the only state in which a message may be believed.
  bool complete() const { return ok_ && at_ == in_.size(); }

 private:
  template <class T>
  T integer() {
    ByteView view = raw(sizeof(T));
    return view.size() == sizeof(T) ? load_big_endian<T>(view.data()) : T{0};
  }
  ByteView in_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

}  // namespace nae

// SecretBytes: key material. Lives in OpenSSL's secure heap (locked, excluded from core dumps,
// between guard pages), is wiped when freed, moves but never copies, and prints nowhere.
#pragma once

#include <cstddef>
#include <utility>

#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"

namespace nae::crypto {

// Takes the process's secure heap; main() holds one before any SecretBytes exists.
class SecureHeap {
 public:
  // `bytes`: a power of two. Code::internal when the memory cannot be mapped or locked (see
  // RLIMIT_MEMLOCK): the process must then not handle keys.
  static Result<SecureHeap> take(std::size_t bytes);
  ~SecureHeap();
  SecureHeap(SecureHeap&& other) noexcept : owner_(std::exchange(other.owner_, false)) {}
  SecureHeap& operator=(SecureHeap&&) = delete;

 private:
  SecureHeap() = default;
  bool owner_ = true;
};

class SecretBytes {
 public:
  SecretBytes() = default;
  // Unset bytes. Throws std::bad_alloc when the secure heap is full or was not taken.
  explicit SecretBytes(std::size_t size);
  SecretBytes(SecretBytes&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  ~SecretBytes();

  std::size_t size() const { return size_; }
  // The only ways in: grep for `expose`.
  ByteView expose() const { return {data_, size_}; }
  ByteSpan expose_for_writing() { return {data_, size_}; }

 private:
  void wipe() noexcept;
  Byte* data_ = nullptr;
  std::size_t size_ = 0;
};

// True when both are equal; takes as long whatever they hold. Different sizes answer at once.
bool equal_in_constant_time(ByteView a, ByteView b);

}  // namespace nae::crypto

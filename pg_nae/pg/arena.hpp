// Arena: memory that is handed out front to back and taken back at once. It is wiped before it is
// used again or given back: it holds plaintexts.
#pragma once

#include <algorithm>

#include "pg_nae/pg/postgres.hpp"

namespace nae::pg {

class Arena {
 public:
  // A memory context of its own below the current one; zeroed memory is an arena without one.
  // The object must outlive it.
  void create();
  void destroy();

  // Aligned for any type.
  char* allocate(std::size_t bytes) {
    bytes = MAXALIGN(bytes);
    if (block_ == nullptr || bytes > block_->capacity - block_->used) add_block(bytes);
    char* result = block_->bytes + block_->used;
    block_->used += bytes;
    used_bytes_ += bytes;
    return result;
  }
  template <class T>
  T* allocate_array(std::size_t count) {
    return reinterpret_cast<T*>(allocate(sizeof(T) * count));
  }
  // The first `count` of an array in a larger place; the old one stays until all is taken back.
  template <class T>
  T* moved(const T* array, std::size_t count, std::size_t capacity) {
    T* larger = allocate_array<T>(capacity);
    std::copy_n(array, count, larger);
    return larger;
  }

  std::size_t used_bytes() const { return used_bytes_; }
  // All that was handed out is gone; the largest block is kept.
  void reset();

 private:
  struct Block {
    Block* previous;
    std::size_t capacity;
    std::size_t used;
    char bytes[FLEXIBLE_ARRAY_MEMBER];
  };
  static void wipe_all(void* arena);
  void add_block(std::size_t bytes);

  MemoryContext context_;
  Block* block_;
  std::size_t used_bytes_;
  MemoryContextCallback at_end_;
};

}  // namespace nae::pg

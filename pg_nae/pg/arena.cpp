#include "pg_nae/pg/arena.hpp"

#include <string.h>  // explicit_bzero

#include <algorithm>

namespace nae::pg {
namespace {

constexpr std::size_t kFirstBlockBytes = 16u << 10;
// One batch of large values must not cost its memory for the rest of the scan.
constexpr std::size_t kKeepBytes = 4u << 20;

}  // namespace

void Arena::create() {
  context_ = AllocSetContextCreate(CurrentMemoryContext, "nae values", ALLOCSET_DEFAULT_SIZES);
  block_ = nullptr;
  used_bytes_ = 0;
  // An error ends the statement without a call of ours: its memory is wiped all the same.
  at_end_.func = wipe_all;
  at_end_.arg = this;
  MemoryContextRegisterResetCallback(context_, &at_end_);
}

void Arena::destroy() {
  if (context_ != nullptr) MemoryContextDelete(context_);
  context_ = nullptr;
  block_ = nullptr;
}

void Arena::wipe_all(void* state) {
  auto* arena = static_cast<Arena*>(state);
  for (Block* block = arena->block_; block != nullptr; block = block->previous)
    ::explicit_bzero(block->bytes, block->used);
  arena->block_ = nullptr;
}

void Arena::add_block(std::size_t bytes) {
  std::size_t capacity = block_ == nullptr ? kFirstBlockBytes : block_->capacity * 2;
  capacity = std::max(capacity, bytes);
  auto* block =
      static_cast<Block*>(MemoryContextAllocHuge(context_, offsetof(Block, bytes) + capacity));
  block->previous = block_;
  block->capacity = capacity;
  block->used = 0;
  block_ = block;
}

void Arena::reset() {
  while (block_ != nullptr) {
    ::explicit_bzero(block_->bytes, block_->used);
    block_->used = 0;
    Block* previous = block_->previous;
    if (previous == nullptr && block_->capacity <= kKeepBytes) break;
    if (previous != nullptr && block_->capacity <= kKeepBytes) {
      // The newest is the largest; what lies before it goes.
      block_->previous = previous->previous;
      ::explicit_bzero(previous->bytes, previous->used);
      pfree(previous);
      continue;
    }
    pfree(block_);
    block_ = previous;
  }
  used_bytes_ = 0;
}

}  // namespace nae::pg

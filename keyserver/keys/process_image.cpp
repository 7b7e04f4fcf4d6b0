#include "keyserver/keys/process_image.hpp"

#include <sys/mman.h>

#include <new>

namespace nae::keys {
namespace {

constexpr std::size_t kPageBytes = 4096;

}  // namespace

ProcessImage::ProcessImage() {
  void* page =
      ::mmap(nullptr, kPageBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED || ::madvise(page, kPageBytes, MADV_WIPEONFORK) != 0)
    throw std::bad_alloc();
  parent_only_ = new (page) std::atomic<std::uint64_t>(1);
}

ProcessImage::~ProcessImage() {
  ::munmap(parent_only_, kPageBytes);
}

std::uint64_t ProcessImage::generation() const {
  if (parent_only_->load(std::memory_order_relaxed) == 0) {
    // First the number, then the mark: who sees the mark sees the number as well. Several threads
    // may count more than once, which costs a salt.
    generation_.fetch_add(1);
    parent_only_->store(1);
  }
  return generation_.load();
}

}  // namespace nae::keys

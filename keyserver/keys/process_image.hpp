// ProcessImage: whether the memory of this process may have become that of two. A fork copies it,
// and so does a snapshot of a machine from which more than one is resumed; what must be used once,
// such as a counter, is then held twice.
#pragma once

#include <atomic>
#include <cstdint>

namespace nae::keys {

class ProcessImage {
 public:
  ProcessImage();
  ~ProcessImage();
  ProcessImage(const ProcessImage&) = delete;
  ProcessImage& operator=(const ProcessImage&) = delete;

  // Another number than before as soon as this process is a forked one, or changed() was called:
  // drop what was held under the number before. Safe from any thread, and costs a read of memory.
  std::uint64_t generation() const;

  // The machine was resumed from a snapshot, or may have been.
  void changed() { generation_.fetch_add(1); }

 private:
  // In a page that the kernel clears in a child, whatever system call made it.
  std::atomic<std::uint64_t>* parent_only_;
  mutable std::atomic<std::uint64_t> generation_{1};
};

}  // namespace nae::keys

// CipherContexts: keyed OpenSSL contexts of one key. A context serves one thread at a time and is
// dear to make, so each key owns a few, lent without locks. They are freed, and with them their
// round keys wiped, together with the key: nothing outlives it in a thread's corner.
#pragma once

#include <openssl/evp.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <new>

#include "libnae/crypto/handle.hpp"

namespace nae::crypto {

class CipherContexts {
 public:
  using Context = handle<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;

  // `prototype` is keyed; further contexts are copies of it.
  explicit CipherContexts(Context prototype) : prototype_(std::move(prototype)) {}
  CipherContexts(CipherContexts&&) = delete;
  ~CipherContexts() {
    for (auto& slot : slots_) EVP_CIPHER_CTX_free(slot.load());
  }

  // A context to use until the end of the scope.
  class Loan {
   public:
    explicit Loan(const CipherContexts& owner) : owner_(owner), context_(owner.take()) {}
    Loan(Loan&&) = delete;
    ~Loan() { owner_.give_back(std::move(context_)); }
    EVP_CIPHER_CTX* get() const { return context_.get(); }

   private:
    const CipherContexts& owner_;
    Context context_;
  };

 private:
  // As many as threads are likely to use one key at the same moment; more make and free a copy.
  static constexpr std::size_t kSlots = 8;

  Context take() const {
    for (auto& slot : slots_)
      if (slot.load(std::memory_order_relaxed))
        if (EVP_CIPHER_CTX* context = slot.exchange(nullptr, std::memory_order_acquire))
          return Context(context);
    Context copy(EVP_CIPHER_CTX_new());
    if (!copy || EVP_CIPHER_CTX_copy(copy.get(), prototype_.get()) != 1) throw std::bad_alloc();
    return copy;
  }

  void give_back(Context context) const noexcept {
    for (auto& slot : slots_) {
      EVP_CIPHER_CTX* empty = nullptr;
      if (slot.compare_exchange_strong(empty, context.get(), std::memory_order_release,
                                       std::memory_order_relaxed)) {
        static_cast<void>(context.release());
        return;
      }
    }
  }

  Context prototype_;
  mutable std::array<std::atomic<EVP_CIPHER_CTX*>, kSlots> slots_{};
};

}  // namespace nae::crypto

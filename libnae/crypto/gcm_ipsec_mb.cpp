// AES-256-GCM by Intel's IPsec-MB: no context to prepare for each value, which is most of the cost
// of a short one.
#include <intel-ipsec-mb.h>
#include <string.h>

#include <algorithm>
#include <new>
#include <stdexcept>

#include "libnae/crypto/gcm.hpp"
#include "libnae/crypto/handle.hpp"

namespace nae::crypto {
namespace {

using Manager = handle<IMB_MGR, free_mb_mgr>;
using SharedManager = std::shared_ptr<const IMB_MGR>;

// Header and caller's associated data in one piece, as IPsec-MB wants them: on the stack unless
// the caller's are unusually long.
class AssociatedData {
 public:
  AssociatedData(ByteView header, ByteView aad) {
    if (aad.empty()) {
      joined_ = header;
      return;
    }
    Byte* to = stack_;
    if (header.size() + aad.size() > sizeof stack_) {
      heap_.resize(header.size() + aad.size());
      to = heap_.data();
    }
    joined_ = {to, header.size() + aad.size()};
    std::copy(aad.begin(), aad.end(), std::copy(header.begin(), header.end(), to));
  }
  AssociatedData(AssociatedData&&) = delete;
  ByteView joined() const { return joined_; }

 private:
  Byte stack_[512];
  Bytes heap_;
  ByteView joined_;
};

// The library refuses null pointers even where the length is 0.
template <class T>
T* not_null(T* data) {
  static Byte nothing = 0;
  return data ? data : &nothing;
}

class IpsecMbGcm final : public Aes256Gcm {
 public:
  IpsecMbGcm(SharedManager manager, ByteView key)
      : manager_(std::move(manager)), expanded_(sizeof(gcm_key_data)) {
    if (key.size() != kGcmKeyBytes) throw std::invalid_argument("an AES-256 key has 32 bytes");
    Byte* memory = expanded_.expose_for_writing().data();
    // OpenSSL's secure heap aligns a block to its size; the library's vector loads rely on it.
    if (reinterpret_cast<std::uintptr_t>(memory) % alignof(gcm_key_data) != 0)
      throw std::bad_alloc();
    key_ = new (memory) gcm_key_data;
    IMB_AES256_GCM_PRE(manager_.get(), key.data(), const_cast<gcm_key_data*>(key_));
  }

  void seal(std::span<const Byte, kGcmNonceBytes> nonce, ByteView header, ByteView aad,
            ByteView plaintext, ByteSpan ciphertext,
            std::span<Byte, kGcmTagBytes> tag) const override {
    AssociatedData associated(header, aad);
    gcm_context_data state;
    IMB_AES256_GCM_ENC(manager_.get(), key_, &state, not_null(ciphertext.data()),
                       not_null(plaintext.data()), plaintext.size(), nonce.data(),
                       not_null(associated.joined().data()), associated.joined().size(), tag.data(),
                       kGcmTagBytes);
    explicit_bzero(&state, sizeof state);
  }

  bool open(std::span<const Byte, kGcmNonceBytes> nonce, ByteView header, ByteView aad,
            ByteView ciphertext, std::span<const Byte, kGcmTagBytes> tag,
            ByteSpan plaintext) const override {
    AssociatedData associated(header, aad);
    gcm_context_data state;
    std::array<Byte, kGcmTagBytes> expected;
    IMB_AES256_GCM_DEC(manager_.get(), key_, &state, not_null(plaintext.data()),
                       not_null(ciphertext.data()), ciphertext.size(), nonce.data(),
                       not_null(associated.joined().data()), associated.joined().size(),
                       expected.data(), kGcmTagBytes);
    bool authentic = equal_in_constant_time(expected, tag);
    // The right tag of a forged message is what a forger lacks.
    explicit_bzero(expected.data(), expected.size());
    explicit_bzero(&state, sizeof state);
    if (!authentic) explicit_bzero(not_null(plaintext.data()), plaintext.size());
    return authentic;
  }

 private:
  SharedManager manager_;  // a table of functions; its job queues are never used
  SecretBytes expanded_;
  const gcm_key_data* key_ = nullptr;  // in expanded_
};

class IpsecMbGcmProvider final : public GcmProvider {
 public:
  explicit IpsecMbGcmProvider(SharedManager manager) : manager_(std::move(manager)) {}
  std::string_view name() const override { return "ipsec-mb"; }
  std::unique_ptr<const Aes256Gcm> key(const SecretBytes& key) const override {
    return std::make_unique<const IpsecMbGcm>(manager_, key.expose());
  }

 private:
  SharedManager manager_;
};

}  // namespace

std::unique_ptr<const GcmProvider> ipsec_mb_gcm() {
  Manager manager(alloc_mb_mgr(0));
  if (!manager) return nullptr;
  // Without AES-NI the library would emulate it, slower than OpenSSL and not in constant time.
  constexpr std::uint64_t kNeeded = IMB_FEATURE_AESNI | IMB_FEATURE_PCLMULQDQ;
  if ((manager->features & kNeeded) != kNeeded) return nullptr;
  IMB_ARCH arch{};
  init_mb_mgr_auto(manager.get(), &arch);
  if (imb_get_errno(manager.get()) != 0 || arch == IMB_ARCH_NONE || arch == IMB_ARCH_NOAESNI)
    return nullptr;
  return std::make_unique<const IpsecMbGcmProvider>(SharedManager(std::move(manager)));
}

}  // namespace nae::crypto

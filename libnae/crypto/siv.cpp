#include "libnae/crypto/siv.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "libnae/crypto/cipher_contexts.hpp"

namespace nae::crypto {
namespace {

constexpr std::size_t kBlockBytes = 16;
using Block = std::array<Byte, kBlockBytes>;

// Calls below fail only when memory runs out or OpenSSL is broken.
void require(bool good) {
  if (!good) throw std::runtime_error("OpenSSL failed to compute AES-SIV");
}

CipherContexts::Context keyed(const char* mode, ByteView key) {
  std::string name = (key.size() == 32 ? "AES-256-" : "AES-128-") + std::string(mode);
  handle<EVP_CIPHER, EVP_CIPHER_free> cipher(EVP_CIPHER_fetch(nullptr, name.c_str(), nullptr));
  CipherContexts::Context context(EVP_CIPHER_CTX_new());
  require(cipher && context &&
          EVP_EncryptInit_ex2(context.get(), cipher.get(), key.data(), nullptr, nullptr) == 1 &&
          EVP_CIPHER_CTX_set_padding(context.get(), 0) == 1);
  return context;
}

void encrypt(EVP_CIPHER_CTX* context, ByteView in, Byte* out) {
  int written = 0;
  require(EVP_EncryptUpdate(context, out, &written, in.data(), static_cast<int>(in.size())) == 1);
}

void restart(EVP_CIPHER_CTX* context, const Block& iv) {
  require(EVP_EncryptInit_ex2(context, nullptr, nullptr, iv.data(), nullptr) == 1);
}

void xor_into(Byte* target, const Block& block) {
  for (std::size_t i = 0; i < kBlockBytes; ++i) target[i] ^= block[i];
}

// Multiplication by x in GF(2^128), RFC 5297 section 2.3; no branch on a secret bit.
Block doubled(const Block& in) {
  Block out;
  for (std::size_t i = 0; i + 1 < kBlockBytes; ++i)
    out[i] = static_cast<Byte>(in[i] << 1 | in[i + 1] >> 7);
  auto carry = static_cast<Byte>(0 - (in[0] >> 7));
  out[kBlockBytes - 1] = static_cast<Byte>((in[kBlockBytes - 1] << 1) ^ (carry & 0x87));
  return out;
}

const SecretBytes& checked(const SecretBytes& key) {
  if (key.size() != kSivKeyBytes && key.size() != kSivKeyBytes / 2)
    throw std::invalid_argument("an AES-SIV key has 64 or 32 bytes");
  return key;
}

// The start of CTR: the SIV with two bits cleared, so that 32-bit and 64-bit counters agree.
Block counter_start(std::span<const Byte, kSivTagBytes> siv) {
  Block start;
  std::copy(siv.begin(), siv.end(), start.begin());
  start[8] &= 0x7f;
  start[12] &= 0x7f;
  return start;
}

}  // namespace

class AesSiv::Keyed {
 public:
  Keyed(const SecretBytes& key, ByteView header)
      : mac_(keyed("CBC", checked(key).expose().first(key.size() / 2))),
        stream_(keyed("CTR", key.expose().subspan(key.size() / 2))),
        secrets_(sizeof(Secrets)) {
    auto* prepared = new (secrets_.expose_for_writing().data()) Secrets;
    CipherContexts::Loan mac(mac_);
    Block zero{}, encrypted_zero;
    restart(mac.get(), zero);
    encrypt(mac.get(), zero, encrypted_zero.data());
    prepared->whole_block = doubled(encrypted_zero);
    prepared->padded_block = doubled(prepared->whole_block);
    OPENSSL_cleanse(encrypted_zero.data(), kBlockBytes);
    prepared->after_header = next(mac.get(), cmac(mac.get(), zero), header);
  }

  // S2V of header, aad unless empty, plaintext: RFC 5297 section 2.4.
  void synthetic_iv(ByteView aad, ByteView plaintext, std::span<Byte, kSivTagBytes> out) const {
    CipherContexts::Loan mac(mac_);
    Block d = secrets().after_header, v;
    if (!aad.empty()) d = next(mac.get(), d, aad);
    if (plaintext.size() >= kBlockBytes) {
      v = cmac(mac.get(), plaintext, d);
    } else {
      Block padded{};
      std::copy(plaintext.begin(), plaintext.end(), padded.begin());
      padded[plaintext.size()] = 0x80;
      xor_into(padded.data(), doubled(d));
      v = cmac(mac.get(), padded);
      OPENSSL_cleanse(padded.data(), kBlockBytes);
    }
    std::copy(v.begin(), v.end(), out.begin());
    OPENSSL_cleanse(d.data(), kBlockBytes);
    OPENSSL_cleanse(v.data(), kBlockBytes);
  }

  void apply_stream(std::span<const Byte, kSivTagBytes> siv, ByteView in, ByteSpan out) const {
    if (in.empty()) return;
    CipherContexts::Loan stream(stream_);
    restart(stream.get(), counter_start(siv));
    for (std::size_t at = 0; at < in.size(); at += kPieceBytes)
      encrypt(stream.get(), in.subspan(at, std::min(kPieceBytes, in.size() - at)), out.data() + at);
  }

 private:
  static constexpr std::size_t kPieceBytes = 1u << 30;  // EVP counts in int

  struct Secrets {
    Block whole_block, padded_block;  // CMAC's subkeys K1, K2: NIST SP 800-38B section 6.1
    Block after_header;               // S2V's D after S1
  };
  const Secrets& secrets() const {
    return *reinterpret_cast<const Secrets*>(secrets_.expose().data());
  }

  Block next(EVP_CIPHER_CTX* mac, const Block& d, ByteView string) const {
    Block sum = cmac(mac, string);
    xor_into(sum.data(), doubled(d));
    return sum;
  }

  // AES-CMAC (NIST SP 800-38B) of `data`, its last 16 bytes XORed with `at_end` first; with a
  // nonzero `at_end` the data have at least 16 bytes.
  Block cmac(EVP_CIPHER_CTX* mac, ByteView data, const Block& at_end = {}) const {
    constexpr std::size_t kWorkBytes = 1024;  // CBC's output is not needed, its chaining is
    Byte work[kWorkBytes];
    restart(mac, {});
    // Whole blocks before the last 16 to 31 bytes.
    std::size_t head =
        data.size() > kWorkBytes - kBlockBytes ? (data.size() / kBlockBytes - 1) * kBlockBytes : 0;
    for (std::size_t at = 0; at < head; at += kWorkBytes)
      encrypt(mac, data.subspan(at, std::min(kWorkBytes, head - at)), work);
    std::size_t rest = data.size() - head;
    std::copy(data.begin() + static_cast<std::ptrdiff_t>(head), data.end(), work);
    if (rest >= kBlockBytes) xor_into(work + rest - kBlockBytes, at_end);
    std::size_t whole = rest;
    if (rest == 0 || rest % kBlockBytes != 0) {
      whole = (rest / kBlockBytes + 1) * kBlockBytes;
      std::fill(work + rest, work + whole, Byte{0});
      work[rest] = 0x80;
      xor_into(work + whole - kBlockBytes, secrets().padded_block);
    } else {
      xor_into(work + whole - kBlockBytes, secrets().whole_block);
    }
    encrypt(mac, {work, whole}, work);
    Block code;
    std::copy_n(work + whole - kBlockBytes, kBlockBytes, code.begin());
    OPENSSL_cleanse(work, std::max(whole, std::min(head, kWorkBytes)));
    return code;
  }

  CipherContexts mac_;
  CipherContexts stream_;
  SecretBytes secrets_;
};

AesSiv::AesSiv(const SecretBytes& key, ByteView header)
    : keyed_(std::make_unique<const Keyed>(key, header)) {}
AesSiv::~AesSiv() = default;
AesSiv::AesSiv(AesSiv&&) noexcept = default;
AesSiv& AesSiv::operator=(AesSiv&&) noexcept = default;

void AesSiv::seal(ByteView aad, ByteView plaintext, std::span<Byte, kSivTagBytes> siv,
                  ByteSpan ciphertext) const {
  keyed_->synthetic_iv(aad, plaintext, siv);
  keyed_->apply_stream(siv, plaintext, ciphertext);
}

bool AesSiv::open(ByteView aad, std::span<const Byte, kSivTagBytes> siv, ByteView ciphertext,
                  ByteSpan plaintext) const {
  keyed_->apply_stream(siv, ciphertext, plaintext);
  Block expected;
  keyed_->synthetic_iv(aad, plaintext, expected);
  bool authentic = equal_in_constant_time(expected, siv);
  // The right SIV of a forged message is what a forger lacks.
  OPENSSL_cleanse(expected.data(), expected.size());
  if (!authentic) OPENSSL_cleanse(plaintext.data(), plaintext.size());
  return authentic;
}

}  // namespace nae::crypto

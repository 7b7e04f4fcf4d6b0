// What does one value cost on the key server's CPU? Whole envelopes, codes and indexes by each
// implementation, beside what they replace.
#include <benchmark/benchmark.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <cstdio>

#include "libnae/crypto/handle.hpp"
#include "libnae/crypto/secret.hpp"
#include "libnae/crypto/working_key.hpp"

namespace nae::crypto {
namespace {

const KeyVersionId kId{{}, 1};

SecretBytes key_of(std::size_t size) {
  SecretBytes key(size);
  std::ranges::fill(key.expose_for_writing(), Byte{7});
  return key;
}

using Provider = std::unique_ptr<const GcmProvider> (*)();

void seal_gcm_envelope(benchmark::State& state, Provider make) {
  auto provider = make();
  if (!provider) return state.SkipWithError("not on this CPU");
  GcmWorkingKey key(*provider, kId, {}, key_of(kGcmKeyBytes));
  Bytes plaintext(static_cast<std::size_t>(state.range(0)), 1);
  Bytes aad(static_cast<std::size_t>(state.range(1)), 2), out(plaintext.size() + kGcmOverheadBytes);
  std::uint32_t counter = 0;
  for (auto _ : state) seal_gcm(key, {{}, counter++}, aad, plaintext, out);
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

void open_gcm_envelope(benchmark::State& state, Provider make) {
  auto provider = make();
  if (!provider) return state.SkipWithError("not on this CPU");
  GcmWorkingKey key(*provider, kId, {}, key_of(kGcmKeyBytes));
  Bytes plaintext(static_cast<std::size_t>(state.range(0)), 1);
  Bytes aad(static_cast<std::size_t>(state.range(1)), 2), out(plaintext.size() + kGcmOverheadBytes);
  seal_gcm(key, {{}, 1}, aad, plaintext, out);
  for (auto _ : state) {
    auto view = parse_envelope(out);
    if (!open_gcm(key, *view, aad, plaintext)) state.SkipWithError("does not open");
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

void sizes(benchmark::internal::Benchmark* b) {
  for (int bytes : {32, 256, 4096, 1 << 20}) b->Args({bytes, 0});
  b->Args({32, 16});
}
BENCHMARK_CAPTURE(seal_gcm_envelope, ipsec_mb, ipsec_mb_gcm)->Apply(sizes);
BENCHMARK_CAPTURE(seal_gcm_envelope, openssl, openssl_gcm)->Apply(sizes);
BENCHMARK_CAPTURE(open_gcm_envelope, ipsec_mb, ipsec_mb_gcm)->Apply(sizes);
BENCHMARK_CAPTURE(open_gcm_envelope, openssl, openssl_gcm)->Apply(sizes);

void seal_siv_envelope(benchmark::State& state) {
  SivWorkingKey key(kId, key_of(kSivKeyBytes));
  Bytes plaintext(static_cast<std::size_t>(state.range(0)), 1);
  Bytes out(plaintext.size() + kSivOverheadBytes);
  for (auto _ : state) seal_siv(key, {}, plaintext, out);
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(seal_siv_envelope)->Arg(32)->Arg(256)->Arg(4096)->Arg(1 << 20);

// OpenSSL's own AES-SIV with a kept context, which must be keyed for each value.
void seal_siv_by_openssl(benchmark::State& state) {
  handle<EVP_CIPHER, EVP_CIPHER_free> cipher(EVP_CIPHER_fetch(nullptr, "AES-256-SIV", nullptr));
  handle<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free> context(EVP_CIPHER_CTX_new());
  Bytes key(kSivKeyBytes, 7), header(9, 1), plaintext(static_cast<std::size_t>(state.range(0)), 1);
  Bytes out(plaintext.size() + 16), tag(16);
  for (auto _ : state) {
    int n = 0;
    EVP_EncryptInit_ex2(context.get(), cipher.get(), key.data(), nullptr, nullptr);
    EVP_EncryptUpdate(context.get(), nullptr, &n, header.data(), 9);
    EVP_EncryptUpdate(context.get(), out.data(), &n, plaintext.data(),
                      static_cast<int>(plaintext.size()));
    EVP_EncryptFinal_ex(context.get(), out.data(), &n);
    EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, 16, tag.data());
  }
}
BENCHMARK(seal_siv_by_openssl)->Arg(32);

void blind_index(benchmark::State& state) {
  MacWorkingKey key(kId, key_of(kSha256Bytes));
  Bytes data(static_cast<std::size_t>(state.range(0)), 1);
  std::array<Byte, kBlindIndexBytes> index;
  for (auto _ : state) write_blind_index(key, data, index);
}
BENCHMARK(blind_index)->Arg(32)->Arg(256);

// The same code by EVP_MAC with a kept, keyed context.
void hmac_by_openssl(benchmark::State& state) {
  handle<EVP_MAC, EVP_MAC_free> mac(EVP_MAC_fetch(nullptr, "HMAC", nullptr));
  handle<EVP_MAC_CTX, EVP_MAC_CTX_free> context(EVP_MAC_CTX_new(mac.get()));
  char digest[] = "SHA2-256";
  OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string("digest", digest, 0),
                             OSSL_PARAM_construct_end()};
  Bytes key(32, 7), data(static_cast<std::size_t>(state.range(0)), 1), out(32);
  EVP_MAC_init(context.get(), key.data(), key.size(), parameters);
  for (auto _ : state) {
    std::size_t n = 0;
    EVP_MAC_init(context.get(), nullptr, 0, nullptr);
    EVP_MAC_update(context.get(), data.data(), data.size());
    EVP_MAC_final(context.get(), out.data(), &n, out.size());
  }
}
BENCHMARK(hmac_by_openssl)->Arg(32);

// One link of the audit chain: the previous hash and a line.
void audit_link(benchmark::State& state) {
  Sha256Digest previous{};
  Bytes line(300, 1);
  for (auto _ : state) previous = sha256(previous, line);
  benchmark::DoNotOptimize(previous);
}
BENCHMARK(audit_link);

}  // namespace
}  // namespace nae::crypto

int main(int argc, char** argv) {
  auto heap = nae::crypto::SecureHeap::take(1u << 20);
  if (!heap) return std::fprintf(stderr, "%s\n", heap.error().message.c_str()), 1;
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}

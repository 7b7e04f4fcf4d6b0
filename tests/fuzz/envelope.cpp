// libFuzzer: any value that a table may hold, as an envelope and as a signature. What is accepted
// covers the input without gap or overlap, and its header is written again as the same bytes.
#include "libnae/envelope/envelope.hpp"

#include <algorithm>
#include <cstdlib>

using namespace nae;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

Lease lease_of(const EnvelopeView& view) {
  Lease lease;
  std::copy_n(view.nonce.begin(), kLeaseBytes, lease.begin());
  return lease;
}

void check_envelope(ByteView input) {
  auto view = parse_envelope(input);
  require(view.has_value() == looks_like_envelope(input));
  if (!view) return;
  require(view->key.version != 0);
  require(view->tag.size() == kTagBytes);
  require(view->header.data() == input.data());
  require(view->header.size() + view->ciphertext.size() + view->tag.size() == input.size());
  bool siv = view->format == Format::aes_256_siv;
  const Byte* after_header = view->header.data() + view->header.size();
  require((siv ? view->tag : view->ciphertext).data() == after_header);
  Bytes header(view->header.size());
  if (siv)
    write_siv_header(header.data(), view->key);
  else if (view->format == Format::aes_256_gcm_hsm)
    write_hsm_gcm_header(header.data(), view->key, view->nonce);
  else if (view->format == Format::aes_256_gcm_lease)
    write_lease_gcm_header(header.data(), view->key, view->salt, lease_of(*view), view->counter);
  else
    write_gcm_header(header.data(), view->key, view->salt, view->counter);
  require(std::equal(header.begin(), header.end(), view->header.begin()));
}

void check_token(ByteView input) {
  auto view = parse_token(input);
  if (!view) return;
  require(view->key.version != 0 && !view->value.empty());
  require(view->value.size() + kTokenHeaderBytes == input.size());
  Byte header[kTokenHeaderBytes];
  write_token_header(header, view->format, view->key);
  require(std::equal(header, header + kTokenHeaderBytes, input.begin()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  check_envelope({data, size});
  check_token({data, size});
  return 0;
}

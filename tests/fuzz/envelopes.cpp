// libFuzzer: any value that a table may hold, as an envelope, a signature, a code of a blind index
// and the value of an encrypted column. What is accepted covers the input without gap or overlap,
// and its header is written again as the same bytes.
#include "libnae/envelope/envelope.hpp"

#include <algorithm>

#include "libnae/envelope/blind_index.hpp"
#include "libnae/envelope/column_value.hpp"
#include "tests/fuzz/property.hpp"

using namespace nae;
using namespace nae::fuzz;

namespace {

Lease lease_of(const EnvelopeView& view) {
  Lease lease;
  std::copy_n(view.nonce.begin(), kLeaseBytes, lease.begin());
  return lease;
}

void check_envelope(ByteView input) {
  auto view = parse_envelope(input);
  require(view.has_value() == looks_like_envelope(input));
  if (!view) return require_refusal(view.error(), Code::envelope_malformed);
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
  if (!view) return require_refusal(view.error(), Code::signature_malformed);
  require(view->key.version != 0 && !view->value.empty());
  require(view->value.size() + kTokenHeaderBytes == input.size());
  Byte header[kTokenHeaderBytes];
  write_token_header(header, view->format, view->key);
  require(std::equal(header, header + kTokenHeaderBytes, input.begin()));
}

void check_blind_index(ByteView input) {
  BlindIndexCodeView code;
  if (!parse_blind_index_code(input, code)) return;
  require(input.size() == kBlindIndexCodeBytes && code.index.size() == kBlindIndexBytes);
  require(code.index.data() + code.index.size() == input.data() + input.size());
  Byte header[kBlindIndexHeaderBytes];
  write_blind_index_header(header, code.format, code.version);
  require(std::equal(header, header + kBlindIndexHeaderBytes, input.begin()));
}

void check_column_value(ByteView input) {
  ColumnValueView value;
  if (!parse_column_value(input, value)) return;
  require(std::ranges::equal(column_header(value.type, value.context), value.header));
  require(value.header.size() + value.envelope.size() == input.size());
  require(value.header.data() == input.data() &&
          value.envelope.data() == input.data() + value.header.size());
  auto envelope = parse_envelope(value.envelope);
  require(envelope && envelope->format == value.format && envelope->key == value.key);
  require(std::ranges::equal(ByteView(column_aad(value.header)).last(kColumnHeaderBytes),
                             value.header));
}

// Two different triples never make one input: the lengths stand before the names.
void check_blind_index_input(ByteView input) {
  if (input.size() < 2) return;
  const std::string_view text = as_text(input.subspan(2));
  const std::size_t first = std::min<std::size_t>(input[0], text.size());
  const std::size_t second = std::min<std::size_t>(input[1], text.size() - first);
  const auto written = [&](std::size_t purpose_bytes, std::size_t context_bytes) {
    const auto purpose = text.substr(0, purpose_bytes);
    const auto context = text.substr(purpose_bytes, context_bytes);
    const ByteView value = as_bytes(text.substr(purpose_bytes + context_bytes));
    Bytes out(blind_index_input_bytes(purpose, context, value));
    write_blind_index_input(purpose, context, value, out.data());
    return out;
  };
  const Bytes one = written(first, second);
  if (second > 0) require(one != written(first + 1, second - 1));
  if (first > 0) require(one != written(first - 1, second));
}

// The first byte and the version let a value pass or not; blind changes rarely hit them.
constexpr Byte kFirstBytes[] = {0xa1, 0xa2, 0xa3, 0xa4, 0xb1, 0xb2, 0xb3, 0xb4, 0xb5,
                                0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7, kColumnFormat};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  check_envelope({data, size});
  check_token({data, size});
  check_blind_index({data, size});
  check_column_value({data, size});
  check_blind_index_input({data, size});
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned seed) {
  if (seed % 4 != 0 || size < 8) return LLVMFuzzerMutate(data, size, max_size);
  seed /= 4;
  if (seed % 2 == 0) {
    data[0] = kFirstBytes[seed / 2 % std::size(kFirstBytes)];
    return size;
  }
  // In front of what may be an envelope, the header of a column; or what is behind one.
  if (data[0] == kColumnFormat && size > kColumnHeaderBytes) {
    std::copy(data + kColumnHeaderBytes, data + size, data);
    return size - kColumnHeaderBytes;
  }
  if (size + kColumnHeaderBytes > max_size) return LLVMFuzzerMutate(data, size, max_size);
  std::copy_backward(data, data + size, data + size + kColumnHeaderBytes);
  const ColumnHeader header =
      column_header(static_cast<PlainType>(seed / 2 % 16), {1, 2, 3, static_cast<Byte>(seed)});
  std::ranges::copy(header, data);
  return size + kColumnHeaderBytes;
}

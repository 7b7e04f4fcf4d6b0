#include "pg_nae/connection/chunk.hpp"

#include "libnae/envelope/envelope.hpp"
#include "libnae/wire/answer_bound.hpp"

namespace nae::backend {
namespace {

// The fixed part of a request with the longest key name, rounded up.
constexpr std::size_t kFixedBytes = 512;
constexpr std::size_t kItemOverheadBytes = 4 + 2;  // length and status

bool has_aad_per_item(const wire::CryptoRequest& request) {
  return request.aad.size() > 1 && request.aad.size() == request.items.size();
}

// What one item takes of a request. A plaintext leaves room for its envelope: what went out to be
// encrypted must fit the frames that bring it back to be decrypted.
std::size_t request_bytes(Action action, std::size_t item_bytes) {
  return action == Action::encrypt ? item_bytes + kGcmOverheadBytes : item_bytes;
}

}  // namespace

std::size_t items_that_fit(const wire::CryptoRequest& request, std::size_t first,
                           const wire::Limits& limits) noexcept {
  std::size_t asked = kFixedBytes, answered = wire::kReplyFixedBytes, count = 0;
  bool aad_per_item = has_aad_per_item(request);
  if (!aad_per_item && !request.aad.empty()) asked += request.aad[0].size() + kItemOverheadBytes;
  for (std::size_t i = first; i < request.items.size() && count < limits.max_items; ++i, ++count) {
    asked += request_bytes(request.header.action, request.items[i].size()) + kItemOverheadBytes;
    if (!request.seconds.empty()) asked += request.seconds[i].size() + kItemOverheadBytes;
    if (aad_per_item) asked += request.aad[i].size() + kItemOverheadBytes;
    answered += wire::answer_bound(request.header.action, request.items[i]);
    if (asked > limits.max_frame_bytes || answered > wire::max_reply_bytes(limits)) break;
  }
  return count;
}

std::size_t max_item_bytes(const wire::Limits& limits) noexcept {
  std::size_t taken = kFixedBytes + 3 * kItemOverheadBytes + 2 * kGcmOverheadBytes;
  return limits.max_frame_bytes < taken ? 0 : limits.max_frame_bytes - taken;
}

wire::CryptoRequest part_of(const wire::CryptoRequest& request, std::size_t first,
                            std::size_t count) noexcept {
  wire::CryptoRequest part = request;
  part.items = request.items.subspan(first, count);
  if (!request.seconds.empty()) part.seconds = request.seconds.subspan(first, count);
  if (has_aad_per_item(request)) part.aad = request.aad.subspan(first, count);
  return part;
}

}  // namespace nae::backend

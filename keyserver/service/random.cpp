#include "keyserver/service/actions.hpp"
#include "keyserver/service/authorize.hpp"

namespace nae::service {
namespace {

// Of all items together: a request is a hundred times smaller than its answer.
constexpr std::size_t kMaxBytesPerRequest = 4u << 20;

// An item is the number of bytes wanted, 32 bits big-endian.
Result<std::uint32_t> bytes_wanted(ByteView item) {
  if (item.size() != 4) return fail(Code::invalid_argument, {});
  auto bytes = load_big_endian<std::uint32_t>(item.data());
  if (bytes == 0 || bytes > wire::kMaxRandomBytes) return fail(Code::invalid_argument, {});
  return bytes;
}

Result<Prepared> draw(keys::Hsm& hsm, const wire::CryptoRequestView& view) {
  Prepared prepared;
  auto items = view.items.cursor();
  for (std::uint32_t i = 0; i < view.items.count(); ++i) {
    // Nothing for an item that is none: it fails alone.
    Bytes drawn(bytes_wanted(items.next()).value_or(0));
    if (!drawn.empty()) NAE_TRY(hsm.random(drawn));
    prepared.results.push_back(std::move(drawn));
  }
  return prepared;
}

}  // namespace

Outcome random(Request& request) {
  auto authorized = authorize_without_key(request);
  if (auto* refused = std::get_if<Refused>(&authorized)) return std::move(*refused);
  const auto& decision = std::get<policy::Decision>(authorized);
  auto items = request.view.items.cursor();
  std::size_t total = 0;
  for (std::uint32_t i = 0; i < request.count(); ++i)
    total += bytes_wanted(items.next()).value_or(0);
  if (total > kMaxBytesPerRequest)
    return Refused{
        Error(Code::too_many_items,
              "one request may ask for " + std::to_string(kMaxBytesPerRequest) + " random bytes"),
        {},
        decision};
  if (request.prepared.results.size() != request.count()) return HsmWork(draw);

  wire::CryptoReplyWriter reply(request.out, request.id, request.count(), 0);
  std::uint32_t failed = 0;
  for (const Bytes& drawn : request.prepared.results) {
    if (drawn.empty()) {
      reply.fail_item(Code::invalid_argument);
      ++failed;
      continue;
    }
    ByteSpan out = reply.begin_item(drawn.size());
    std::copy(drawn.begin(), drawn.end(), out.begin());
    reply.finish_item(wire::ItemResult::value, out.size());
  }
  reply.finish();
  return Served{{KeyUse{nullptr, 0, decision, request.count(), failed, {}}}};
}

}  // namespace nae::service

#include "keyserver/operations/actions.hpp"
#include "keyserver/operations/authorize.hpp"
#include "keyserver/operations/hsm_items.hpp"

namespace nae::operations {
namespace {

// Of all items together: a request is a hundred times smaller than its answer.
constexpr std::size_t kMaxBytesPerRequest = 4u << 20;

// An item is the number of bytes wanted, 32 bits big-endian.
Result<std::uint32_t> bytes_wanted(ByteView item) {
  if (item.size() != 4) return fail(Code::invalid_argument, {});
  auto bytes = load_big_endian<std::uint32_t>(item.data());
  if (bytes == 0 || bytes > kMaxRandomBytes) return fail(Code::invalid_argument, {});
  return bytes;
}

// Nothing for an item that is none: it fails alone.
Result<Bytes> draw(keys::Hsm& hsm, const CryptoRequest& asked, std::uint32_t item) {
  Bytes drawn(bytes_wanted(asked.items[item]).value_or(0));
  if (!drawn.empty()) NAE_TRY(hsm.random(drawn));
  return drawn;
}

}  // namespace

Outcome random(Request& request) {
  auto authorized = authorize_without_key(request);
  if (auto* refused = std::get_if<Refused>(&authorized)) return std::move(*refused);
  const auto& decision = std::get<policy::Decision>(authorized);
  std::size_t total = 0;
  for (const ByteView item : request.asked.items) total += bytes_wanted(item).value_or(0);
  if (total > kMaxBytesPerRequest)
    return Refused{
        Error(Code::too_many_items,
              "one request may ask for " + std::to_string(kMaxBytesPerRequest) + " random bytes"),
        {},
        decision};
  const auto& made = request.progress.prepared.made;
  if (made.size() < request.count()) return make_some(request, draw);

  request.answer.begin(request.count(), 0);
  std::uint32_t failed = 0;
  for (std::uint32_t i = 0; i < request.count(); ++i) {
    if (!made.at(i).empty()) {
      request.answer.add_item(made.at(i));
      continue;
    }
    request.answer.fail_item(Code::invalid_argument);
    ++failed;
  }
  return Served{{KeyUse{nullptr, 0, decision, request.count(), failed, {}}}};
}

}  // namespace nae::operations

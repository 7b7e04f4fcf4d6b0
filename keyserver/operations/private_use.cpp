#include "keyserver/operations/private_use.hpp"

#include <algorithm>

#include "keyserver/operations/hsm_items.hpp"

namespace nae::operations {
namespace {

// After so many others get their turn, or the module would count as hanging and everybody be
// refused.
constexpr std::size_t kOperationsPerJob = 32;
constexpr std::uint32_t kUsesPerRequest = 1024;

// What is kept of an item: by which version it was made, how it failed, and what came of it.
constexpr std::size_t kVersionBytes = 2, kCodeBytes = 2, kHeaderBytes = kVersionBytes + kCodeBytes;

bool is_own_failure(Code code) {
  return code == Code::invalid_argument || code == Code::authentication_failed;
}

Result<Bytes> kept(std::uint16_t version, Result<Bytes> made) {
  if (!made && !is_own_failure(made.error().code)) return fail(std::move(made).error());
  Bytes out;
  out.reserve(kHeaderBytes + (made ? made->size() : 0));
  ByteWriter writer(out);
  writer.u16(version);
  writer.u16(made ? std::uint16_t{0} : static_cast<std::uint16_t>(made.error().code));
  if (made) writer.raw(*made);
  return out;
}

std::uint16_t version_of(const Bytes& item) {
  return load_big_endian<std::uint16_t>(item.data());
}
Code failure_of(const Bytes& item) {
  return static_cast<Code>(load_big_endian<std::uint16_t>(item.data() + kVersionBytes));
}

HsmWork use_for_some(const Request& request, const Granted& granted, PrivateUse use,
                     HsmShare share) {
  return make_some(
      request,
      [key = granted.key, version = granted.version, use = std::move(use)](
          keys::Hsm& hsm, const CryptoRequest& asked, std::uint32_t item) {
        return kept(version->number, use(hsm, keys::hsm_key(*key, *version), asked, item));
      },
      share);
}

Outcome use_key(Request& request, const Granted& granted, PrivateUse use, HsmShare share) {
  // What was made by a version that is no longer the primary one does not leave.
  auto& made = request.progress.prepared.made;
  if (std::ranges::any_of(made, [&](const auto& item) {
        return version_of(item.second) != granted.version->number;
      }))
    made.clear();
  if (made.size() < request.count()) return use_for_some(request, granted, std::move(use), share);
  request.answer.begin(request.count(), 0);
  std::uint32_t failed = 0;
  for (std::uint32_t i = 0; i < request.count(); ++i) {
    const Bytes& item = made.at(i);
    if (const Code code = failure_of(item); code != Code{}) {
      request.answer.fail_item(code);
      ++failed;
    } else {
      request.answer.add_item(ByteView(item).subspan(kHeaderBytes));
    }
  }
  return served(granted, request.count(), failed);
}

}  // namespace

Outcome use_private_key(Request& request, const Granted& granted, PrivateUse use,
                        std::size_t operations) {
  if (request.count() > kUsesPerRequest)
    return Refused{
        Error(Code::too_many_items, "one request may have " + std::to_string(kUsesPerRequest) +
                                        " items for a private key"),
        granted.key->name, granted.decision};
  return use_key(request, granted, std::move(use), HsmShare(kOperationsPerJob / operations));
}

Outcome use_secret_key(Request& request, const Granted& granted, PrivateUse use, HsmShare share) {
  return use_key(request, granted, std::move(use), share);
}

}  // namespace nae::operations

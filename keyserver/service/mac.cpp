
#include "keyserver/keys/state.hpp"
#include "keyserver/service/actions.hpp"
#include "keyserver/service/authorize.hpp"

namespace nae::service {
namespace {

using keys::MacPurpose;

// The working key of one version, or the job that derives it.
std::variant<std::shared_ptr<const crypto::MacWorkingKey>, HsmWork> working_key(
    const Request& request, const keys::KeyPointer& key, std::uint16_t version,
    MacPurpose purpose) {
  const KeyVersionId id{key->id, version};
  if (request.prepared.mac && request.prepared.mac->id == id) return request.prepared.mac;
  if (auto found = request.parts.working_keys.find_mac(id, purpose)) return found;
  return HsmWork([&working_keys = request.parts.working_keys, key, version, purpose](
                     keys::Hsm& hsm, const wire::CryptoRequestView&) -> Result<Prepared> {
    Prepared prepared;
    NAE_ASSIGN(prepared.mac, working_keys.derive_mac(hsm, *key, version, purpose));
    return prepared;
  });
}

// Verifies the codes of one request; holds the working key of the version that the last one named.
class MacVerifier {
 public:
  MacVerifier(Request& request, const keys::KeyPointer& key) : request_(request), key_(key) {}

  // True, false, why it cannot be said, or the work that must come first.
  std::variant<Result<bool>, HsmWork> verify(ByteView data, ByteView code) {
    auto token = parse_token(code);
    if (!token || token->format != static_cast<std::uint8_t>(Format::hmac_sha_256))
      return Result<bool>(fail(Code::signature_malformed, {}));
    const keys::Version* version =
        token->key.key == key_->id ? key_->version(token->key.version) : nullptr;
    if (!version) return Result<bool>(false);  // a code by another key is not one by this key
    if (!keys::permits(version->state, Action::mac_verify))
      return Result<bool>(fail(Code::key_state, {}));
    if (!working_ || working_->id != token->key) {
      auto found = working_key(request_, key_, version->number, MacPurpose::code);
      if (auto* work = std::get_if<HsmWork>(&found)) return std::move(*work);
      working_ = std::get<0>(found);
    }
    return crypto::verify_mac(*working_, data, *token);
  }

 private:
  Request& request_;
  const keys::KeyPointer& key_;
  std::shared_ptr<const crypto::MacWorkingKey> working_;
};

}  // namespace

Outcome mac(Request& request) {
  auto authorized = authorize(request);
  if (auto* refused = std::get_if<Refused>(&authorized)) return std::move(*refused);
  const Granted& granted = std::get<Granted>(authorized);
  if (request.header().algorithm > static_cast<std::uint8_t>(wire::MacForm::blind_index))
    return Refused{Error(Code::unsupported, "unknown form of message authentication code"),
                   granted.key->name, granted.decision};
  bool index = static_cast<wire::MacForm>(request.header().algorithm) == wire::MacForm::blind_index;
  auto found = working_key(request, granted.key, granted.version->number,
                           index ? MacPurpose::blind_index : MacPurpose::code);
  if (auto* work = std::get_if<HsmWork>(&found)) return std::move(*work);
  const crypto::MacWorkingKey& key = *std::get<0>(found);

  const std::size_t bytes = index ? crypto::kBlindIndexBytes : crypto::kMacTokenBytes;
  wire::CryptoReplyWriter reply(request.out, request.id, request.count(), request.count() * bytes);
  auto items = request.view.items.cursor();
  for (std::uint32_t i = 0; i < request.count(); ++i) {
    ByteSpan out = reply.begin_item(bytes);
    if (index)
      crypto::write_blind_index(key, items.next(), out.first<crypto::kBlindIndexBytes>());
    else
      crypto::write_mac(key, items.next(), out.first<crypto::kMacTokenBytes>());
    reply.finish_item(wire::ItemResult::value, bytes);
  }
  reply.finish();
  return served(granted, request.count(), 0);
}

Outcome mac_verify(Request& request) {
  auto authorized = authorize(request);
  if (auto* refused = std::get_if<Refused>(&authorized)) return std::move(*refused);
  const Granted& granted = std::get<Granted>(authorized);
  if (request.view.seconds.count() != request.count())
    return Refused{Error(Code::protocol_violation, "mac-verify needs a code an item"),
                   granted.key->name, granted.decision};

  const std::size_t start = request.out.size();
  wire::CryptoReplyWriter reply(request.out, request.id, request.count(), request.count());
  MacVerifier verifier(request, granted.key);
  auto items = request.view.items.cursor();
  auto codes = request.view.seconds.cursor();
  std::uint32_t failed = 0;
  for (std::uint32_t i = 0; i < request.count(); ++i) {
    ByteView data = items.next();
    auto verified = verifier.verify(data, codes.next());
    if (auto* work = std::get_if<HsmWork>(&verified)) {
      request.out.resize(start);
      return std::move(*work);
    }
    failed += answer(reply, std::get<Result<bool>>(verified)) ? 0 : 1;
  }
  reply.finish();
  return served(granted, request.count(), failed);
}

}  // namespace nae::service

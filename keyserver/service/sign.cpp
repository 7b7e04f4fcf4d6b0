#include "keyserver/service/actions.hpp"
#include "keyserver/service/authorize.hpp"

namespace nae::service {
namespace {

Result<SignatureScheme> scheme_of(const Request& request, const keys::Key& key) {
  auto asked = static_cast<SignatureScheme>(request.header().algorithm);
  if (asked == SignatureScheme::key_default) return default_scheme(key.type);
  const SchemeRow* found = find_row(asked);
  if (!found) return fail(Code::unsupported, "unknown signature scheme");
  if (!fits(asked, key.type))
    return fail(Code::key_type, "scheme " + std::string(found->name) +
                                    " does not fit a key of type " + std::string(name(key.type)));
  if (!found->may_sign)
    return fail(Code::unsupported, "scheme " + std::string(found->name) + " only verifies",
                "SHA-1 is kept for verifying old signatures.");
  return asked;
}

}  // namespace

Outcome sign(Request& request) {
  auto authorized = authorize(request);
  if (auto* refused = std::get_if<Refused>(&authorized)) return std::move(*refused);
  const Granted& granted = std::get<Granted>(authorized);
  auto scheme = scheme_of(request, *granted.key);
  if (!scheme) return Refused{scheme.error(), granted.key->name, granted.decision};

  const KeyVersionId id{granted.key->id, granted.version->number};
  if (request.prepared.results.size() != request.count()) {
    return HsmWork([key = granted.key, version = granted.version, scheme = *scheme, id](
                       keys::Hsm& hsm, const wire::CryptoRequestView& view) -> Result<Prepared> {
      Prepared prepared;
      auto items = view.items.cursor();
      for (std::uint32_t i = 0; i < view.items.count(); ++i) {
        keys::HsmKey hsm_key{id, key->type, version->material};
        NAE_ASSIGN(Bytes signature, hsm.sign(hsm_key, scheme, items.next()));
        Bytes token(kTokenHeaderBytes);
        write_token_header(token.data(), static_cast<std::uint8_t>(scheme), id);
        token.insert(token.end(), signature.begin(), signature.end());
        prepared.results.push_back(std::move(token));
      }
      return prepared;
    });
  }
  wire::CryptoReplyWriter reply(request.out, request.id, request.count(), 0);
  for (const Bytes& token : request.prepared.results) {
    ByteSpan out = reply.begin_item(token.size());
    std::copy(token.begin(), token.end(), out.begin());
    reply.finish_item(wire::ItemResult::value, out.size());
  }
  reply.finish();
  return served(granted, request.count(), 0);
}

}  // namespace nae::service

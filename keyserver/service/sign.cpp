#include <algorithm>

#include "keyserver/service/actions.hpp"
#include "keyserver/service/authorize.hpp"

namespace nae::service {
namespace {

// A signature takes the HSM up to milliseconds: after so many others get their turn, or the module
// would count as hanging and everybody be refused.
constexpr std::size_t kSignaturesPerJob = 32;
constexpr std::uint32_t kSignaturesPerRequest = 1024;

// The signatures that follow those that `request` has already.
HsmWork sign_some(const Request& request, const Granted& granted, const KeyVersionId& id,
                  SignatureScheme scheme) {
  return [key = granted.key, version = granted.version, scheme, id,
          first = request.prepared.results.size()](
             keys::Hsm& hsm, const wire::CryptoRequestView& view) -> Result<Prepared> {
    const keys::HsmKey hsm_key = keys::hsm_key(*key, *version);
    const std::size_t end = std::min<std::size_t>(first + kSignaturesPerJob, view.items.count());
    Prepared prepared;
    auto items = view.items.cursor();
    for (std::size_t i = 0; i < first; ++i) static_cast<void>(items.next());
    for (std::size_t i = first; i < end; ++i) {
      NAE_ASSIGN(Bytes signature, hsm.sign(hsm_key, scheme, items.next()));
      Bytes token(kTokenHeaderBytes);
      write_token_header(token.data(), static_cast<std::uint8_t>(scheme), id);
      token.insert(token.end(), signature.begin(), signature.end());
      prepared.results.push_back(std::move(token));
    }
    return prepared;
  };
}

bool made_with(const std::vector<Bytes>& tokens, const KeyVersionId& id) {
  if (tokens.empty()) return true;
  auto token = parse_token(tokens.front());
  return token && token->key == id;
}

Result<SignatureScheme> scheme_of(const Request& request, const keys::Key& key) {
  auto asked = static_cast<SignatureScheme>(request.header().algorithm);
  if (asked == SignatureScheme::key_default) {
    const SignatureScheme usual = default_scheme(key.type);
    return key.attributes.allows(usual) ? usual : key.attributes.algorithms.front();
  }
  const SchemeRow* found = find_row(asked);
  if (!found) return fail(Code::unsupported, "unknown signature scheme");
  if (!fits(asked, key.type))
    return fail(Code::key_type, "scheme " + std::string(found->name) +
                                    " does not fit a key of type " + std::string(name(key.type)));
  if (!found->may_sign)
    return fail(Code::unsupported, "scheme " + std::string(found->name) + " only verifies",
                "SHA-1 is kept for verifying old signatures.");
  if (!key.attributes.allows(asked))
    return fail(Code::key_attribute,
                "key " + key.name + " does not allow scheme " + std::string(found->name));
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
  if (request.count() > kSignaturesPerRequest)
    return Refused{
        Error(Code::too_many_items,
              "one request may ask for " + std::to_string(kSignaturesPerRequest) + " signatures"),
        granted.key->name, granted.decision};
  // What was signed with a version that is no longer the primary one does not leave.
  auto& results = request.prepared.results;
  if (!made_with(results, id)) results.clear();
  if (results.size() < request.count()) return sign_some(request, granted, id, *scheme);
  wire::CryptoReplyWriter reply(request.out, request.id, request.count(), 0);
  for (const Bytes& token : results) {
    ByteSpan out = reply.begin_item(token.size());
    std::copy(token.begin(), token.end(), out.begin());
    reply.finish_item(wire::ItemResult::value, out.size());
  }
  reply.finish();
  return served(granted, request.count(), 0);
}

}  // namespace nae::service

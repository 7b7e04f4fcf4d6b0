#include "keyserver/operations/actions.hpp"
#include "keyserver/operations/authorize.hpp"
#include "keyserver/operations/hsm_items.hpp"

namespace nae::operations {
namespace {

// A signature takes the HSM up to milliseconds: after so many others get their turn, or the module
// would count as hanging and everybody be refused.
constexpr std::size_t kSignaturesPerJob = 32;
constexpr std::uint32_t kSignaturesPerRequest = 1024;

HsmWork sign_some(const Request& request, const Granted& granted, const KeyVersionId& id,
                  SignatureScheme scheme) {
  return make_some(
      request,
      [key = granted.key, version = granted.version, scheme, id](
          keys::Hsm& hsm, const CryptoRequest& asked, std::uint32_t item) -> Result<Bytes> {
        NAE_ASSIGN(const Bytes signature,
                   hsm.sign(keys::hsm_key(*key, *version), scheme, asked.items[item]));
        Bytes token(kTokenHeaderBytes);
        write_token_header(token.data(), static_cast<std::uint8_t>(scheme), id);
        token.insert(token.end(), signature.begin(), signature.end());
        return token;
      },
      HsmShare(kSignaturesPerJob));
}

bool made_with(const Prepared& prepared, const KeyVersionId& id) {
  if (prepared.made.empty()) return true;
  auto token = parse_token(prepared.made.at(0));
  return token && token->key == id;
}

Result<SignatureScheme> scheme_of(const Request& request, const keys::Key& key) {
  auto asked = static_cast<SignatureScheme>(request.asked.algorithm);
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
  auto& made = request.progress.prepared.made;
  if (!made_with(request.progress.prepared, id)) made.clear();
  if (made.size() < request.count()) return sign_some(request, granted, id, *scheme);
  request.answer.begin(request.count(), 0);
  for (std::uint32_t i = 0; i < request.count(); ++i) request.answer.add_item(made.at(i));
  return served(granted, request.count(), 0);
}

}  // namespace nae::operations

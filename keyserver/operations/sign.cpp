#include <algorithm>

#include "keyserver/operations/actions.hpp"
#include "keyserver/operations/authorize.hpp"
#include "keyserver/operations/hsm_items.hpp"
#include "libnae/base/signature_form.hpp"

namespace nae::operations {
namespace {

// A signature takes the HSM up to milliseconds: after so many others get their turn, or the module
// would count as hanging and everybody be refused.
constexpr std::size_t kSignaturesPerJob = 32;
constexpr std::uint32_t kSignaturesPerRequest = 1024;

// Nothing for a digest of the wrong length: it fails alone.
HsmWork sign_some(const Request& request, const Granted& granted, const KeyVersionId& id,
                  SignatureForm form) {
  return make_some(
      request,
      [key = granted.key, version = granted.version, form, id](
          keys::Hsm& hsm, const CryptoRequest& asked, std::uint32_t item) -> Result<Bytes> {
        const keys::HsmKey signer = keys::hsm_key(*key, *version);
        const ByteView signed_item = asked.items[item];
        auto made = form.of_digest ? hsm.sign_digest(signer, form.scheme, signed_item)
                                   : hsm.sign(signer, form.scheme, signed_item);
        if (!made && made.error().code == Code::invalid_argument) return Bytes();
        NAE_ASSIGN(const Bytes signature, std::move(made));
        Bytes token(kTokenHeaderBytes);
        write_token_header(token.data(), static_cast<std::uint8_t>(form.scheme), id);
        token.insert(token.end(), signature.begin(), signature.end());
        return token;
      },
      HsmShare(kSignaturesPerJob));
}

bool made_with(const Prepared& prepared, const KeyVersionId& id) {
  return std::ranges::all_of(prepared.made, [&](const auto& made) {
    if (made.second.empty()) return true;
    auto token = parse_token(made.second);
    return token && token->key == id;
  });
}

Result<SignatureForm> form_of(const Request& request, const keys::Key& key) {
  const SignatureForm form = signature_form(request.asked.algorithm);
  const SignatureScheme asked = form.scheme;
  if (asked == SignatureScheme::key_default) {
    const SignatureScheme usual = default_scheme(key.type);
    return SignatureForm{key.attributes.allows(usual) ? usual : key.attributes.algorithms.front()};
  }
  const SchemeRow* found = find_row(asked);
  if (!found) return fail(Code::unsupported, "unknown signature scheme");
  if (!fits(asked, key.type))
    return fail(Code::key_type, "scheme " + std::string(found->name) +
                                    " does not fit a key of type " + std::string(name(key.type)));
  if (!found->may_sign)
    return fail(Code::unsupported, "scheme " + std::string(found->name) + " only verifies",
                "SHA-1 is kept for verifying old signatures.");
  if (form.of_digest && !found->hash)
    return fail(Code::unsupported,
                "scheme " + std::string(found->name) + " signs messages, not digests");
  if (!key.attributes.allows(asked))
    return fail(Code::key_attribute,
                "key " + key.name + " does not allow scheme " + std::string(found->name));
  return form;
}

}  // namespace

Outcome sign(Request& request) {
  auto authorized = authorize(request);
  if (auto* refused = std::get_if<Refused>(&authorized)) return std::move(*refused);
  const Granted& granted = std::get<Granted>(authorized);
  auto form = form_of(request, *granted.key);
  if (!form) return Refused{form.error(), granted.key->name, granted.decision};

  const KeyVersionId id{granted.key->id, granted.version->number};
  if (request.count() > kSignaturesPerRequest)
    return Refused{
        Error(Code::too_many_items,
              "one request may ask for " + std::to_string(kSignaturesPerRequest) + " signatures"),
        granted.key->name, granted.decision};
  // What was signed with a version that is no longer the primary one does not leave.
  auto& made = request.progress.prepared.made;
  if (!made_with(request.progress.prepared, id)) made.clear();
  if (made.size() < request.count()) return sign_some(request, granted, id, *form);
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
  return served(granted, request.count(), failed);
}

}  // namespace nae::operations

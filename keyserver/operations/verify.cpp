#include <algorithm>

#include "keyserver/keys/state.hpp"
#include "keyserver/operations/actions.hpp"
#include "keyserver/operations/asked.hpp"
#include "keyserver/operations/authorize.hpp"
#include "libnae/base/signature_form.hpp"

namespace nae::operations {
namespace {

// A check takes a connection's thread up to a tenth of a millisecond, in which its neighbours wait.
constexpr std::size_t kChecksPerRequest = 4096;

// Checks that one item may take: a bare signature may be by any version that may be read with.
std::size_t checks_per_item(const keys::Key& key, bool bare) {
  if (!bare) return 1;
  return static_cast<std::size_t>(std::ranges::count_if(
      key.versions, [](const auto& version) { return permits(version.state, Action::verify); }));
}

// One item: true, false, or why it cannot be said.
Result<bool> verify_with(const Request& request, const keys::Key& key, const keys::Version& version,
                         SignatureForm form, ByteView message, ByteView signature) {
  if (!key.attributes.allows(form.scheme)) return fail(Code::key_attribute, {});
  if (!permits(version.state, Action::verify)) return fail(Code::key_state, {});
  NAE_ASSIGN(auto public_key, request.parts.public_keys.of(key, version));
  return form.of_digest ? public_key->verify_digest(form.scheme, message, signature)
                        : public_key->verify(form.scheme, message, signature);
}

// A signature of ours names its scheme and version.
Result<bool> verify_token(const Request& request, const keys::Key& key, ByteView message,
                          ByteView signature, VersionTally& tally) {
  NAE_ASSIGN(TokenView token, parse_token(signature));
  auto scheme = static_cast<SignatureScheme>(token.format);
  if (!find_row(scheme)) return fail(Code::signature_malformed, {});
  // A signature by another key, or under a scheme of another type, is simply not one by this key.
  if (token.key.key != key.id || !fits(scheme, key.type)) return false;
  const keys::Version* version = key.version(token.key.version);
  if (!version) return false;
  tally.add(*version);
  return verify_with(request, key, *version, {scheme}, message, token.value);
}

// A bare standard signature may be by any version that may still be read with, or by the one that
// the request names.
Result<bool> verify_bare(const Request& request, const Granted& granted, bool of_named_version,
                         SignatureForm form, ByteView message, ByteView signature,
                         VersionTally& tally) {
  const keys::Key& key = *granted.key;
  for (auto version = key.versions.rbegin(); version != key.versions.rend(); ++version) {
    if (of_named_version ? version->number != granted.version->number
                         : !permits(version->state, Action::verify))
      continue;
    NAE_ASSIGN(bool good, verify_with(request, key, *version, form, message, signature));
    if (!good) continue;
    tally.add(*version);
    return true;
  }
  return false;
}

}  // namespace

Outcome verify(Request& request) {
  auto authorized = authorize(request);
  if (auto* refused = std::get_if<Refused>(&authorized)) return std::move(*refused);
  const Granted& granted = std::get<Granted>(authorized);
  const keys::Key& key = *granted.key;
  const SignatureForm form = signature_form(request.asked.algorithm);
  const bool bare = form.scheme != SignatureScheme::key_default;
  const bool of_named_version = version_of(request.asked).value().has_value();
  if (bare && !fits(form.scheme, key.type))
    return Refused{Error(Code::key_type,
                         "the scheme does not fit a key of type " + std::string(name(key.type))),
                   key.name, granted.decision};
  if (request.count() > 1 &&
      request.count() * checks_per_item(key, bare && !of_named_version) > kChecksPerRequest)
    return Refused{
        Error(Code::too_many_items, "one request may take " + std::to_string(kChecksPerRequest) +
                                        " checks of signatures"),
        key.name, granted.decision};

  request.answer.begin(request.count(), request.count());
  std::uint32_t failed = 0;
  VersionTally tally;
  for (std::uint32_t i = 0; i < request.count(); ++i) {
    const ByteView message = request.asked.items[i], signature = request.asked.seconds[i];
    auto good =
        bare ? verify_bare(request, granted, of_named_version, form, message, signature, tally)
             : verify_token(request, key, message, signature, tally);
    failed += answer_verified(request.answer, good) ? 0 : 1;
  }
  Served done = served(granted, request.count(), failed);
  done.counts = tally.take();
  return done;
}

}  // namespace nae::operations

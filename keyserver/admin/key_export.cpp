// /v1/keys/{}/public: the public keys of a key pair. Nothing else of a key is ever exported.
#include "keyserver/admin/route.hpp"
#include "keyserver/admin/whole_number.hpp"
#include "keyserver/keys/state.hpp"
#include "libnae/base/text.hpp"
#include "libnae/crypto/jwk.hpp"
#include "libnae/crypto/public_key.hpp"

namespace nae::admin {
namespace {

// Names one version among all keys there ever were.
std::string kid_of(const keys::Key& key, const keys::Version& version) {
  return to_hex(key.id.bytes) + "." + std::to_string(version.number);
}

// A JWK's "alg" is the only algorithm it may be used with: what sign uses when nobody says.
SignatureScheme scheme_of(const keys::Key& key) {
  const auto& allowed = key.attributes.algorithms;
  const SignatureScheme usual = default_scheme(key.type);
  return allowed.empty() || key.attributes.allows(usual) ? usual : allowed.front();
}

Result<json::object> jwk_of(const keys::Key& key, const keys::Version& version) {
  NAE_ASSIGN(const auto members, crypto::jwk_members(key.type, version.material.public_key));
  json::object jwk{{"kid", kid_of(key, version)}};
  if (allows(key.type, Action::verify)) {
    jwk["use"] = "sig";
    jwk["alg"] = crypto::jose_name(scheme_of(key));
  } else {
    jwk["use"] = "enc";  // by several algorithms, of which the sender chooses
  }
  for (const auto& [name, value] : members) jwk[name] = value;
  return jwk;
}

Result<json::object> pem_of(const keys::Key& key, const keys::Version& version) {
  NAE_ASSIGN(const auto parsed, crypto::PublicKey::of_type(key.type, version.material.public_key));
  return json::object{{"kid", kid_of(key, version)},
                      {"version", version.number},
                      {"state", keys::name(version.state)},
                      {"pem", parsed.pem()}};
}

}  // namespace

Result<Reply> export_public_keys(AdminCall& call) {
  call.audit_target = call.names[0];
  NAE_TRY(call.only_parameters({"version", "format"}));
  const std::string format = call.parameter("format"), number = call.parameter("version");
  if (!format.empty() && format != "pem" && format != "jwk")
    return fail(Code::invalid_argument, "the format is \"pem\" or \"jwk\"");
  std::uint64_t only = 0;
  if (!number.empty()) {
    NAE_ASSIGN(only, whole_number(number, "the version", 1, UINT16_MAX));
  }
  const keys::KeyPointer key = call.parts.keys.ring.find(call.names[0]);
  if (!key) return fail(Code::key_unknown, "no key is called \"" + call.names[0] + "\"");
  if (!is_pair(key->type))
    return fail(Code::key_type, "key \"" + key->name + "\" has no public key",
                "Only key pairs have one; secret keys are never exported.");
  json::array keys;
  for (const keys::Version& version : key->versions) {
    // Of all versions those by which something verifies, now or soon.
    const bool wanted = only != 0 ? version.number == only
                                  : permits(version.state, Action::verify) ||
                                        version.state == keys::State::pre_active;
    if (!wanted || version.material.public_key.empty()) continue;
    NAE_ASSIGN(json::object shown, format == "jwk" ? jwk_of(*key, version) : pem_of(*key, version));
    keys.push_back(std::move(shown));
  }
  if (only != 0 && keys.empty())
    return fail(Code::not_found, "version " + number + " of key \"" + key->name +
                                     "\" does not exist or is destroyed");
  return Reply{{{"keys", std::move(keys)}}};
}

}  // namespace nae::admin

// /v1/keys/{}/csr and the certificates of keys: PKCS#11 and TLS want one beside a private key.
#include "keyserver/admin/key_changes.hpp"
#include "keyserver/admin/whole_number.hpp"
#include "keyserver/keys/state.hpp"
#include "libnae/crypto/certificate_chain.hpp"
#include "libnae/crypto/key_request.hpp"

namespace nae::admin {
namespace {

struct RequestFields {
  crypto::KeyRequest request;
  std::optional<std::int64_t> version;
};
Result<RequestFields> read_request_fields(const AdminCall& call) {
  NAE_ASSIGN(const json::object body, call.body());
  api::Fields fields(body);
  RequestFields read;
  NAE_ASSIGN(read.request.subject, fields.text("subject"));
  NAE_ASSIGN(read.request.names, fields.optional_texts("names"));
  NAE_ASSIGN(read.version, fields.optional_integer("version", 1, UINT16_MAX));
  NAE_TRY(fields.complete());
  return read;
}

// What sign would use, or refuse: a request is a signature.
Result<const keys::Version*> signing_version(const keys::Key& key,
                                             std::optional<std::int64_t> number) {
  if (!is_pair(key.type)) return fail(Code::key_type, "key \"" + key.name + "\" has no public key");
  if (!allows(key.type, Action::sign))
    return fail(Code::key_type,
                "key \"" + key.name + "\" signs nothing, and a request is a signature",
                "Give the authority its public key: nae key export " + key.name);
  if (!key.attributes.allows(Action::sign))
    return fail(Code::key_attribute, "key \"" + key.name + "\" does not allow sign");
  const keys::Version* version =
      number ? key.version(static_cast<std::uint16_t>(*number)) : key.primary();
  if (!version && number)
    return fail(Code::not_found,
                "key \"" + key.name + "\" has no version " + std::to_string(*number));
  if (!version || !keys::permits(version->state, Action::sign))
    return fail(Code::key_state, "no such version of key \"" + key.name + "\" may sign");
  return version;
}

// The HSM signs on its own thread, with a copy of what it needs: the job may outlive the call.
crypto::Signer signer_of(AdminCall& call, const keys::KeyPointer& key, std::uint16_t number,
                         SignatureScheme scheme) {
  return [&call, key, number, scheme](ByteView message) {
    return call.parts.keys.hsm.call(
        [key, number, scheme, copy = Bytes(message.begin(), message.end())](keys::Hsm& hsm) {
          return hsm.sign(keys::hsm_key(*key, *key->version(number)), scheme, copy);
        },
        call.parts.settings.hsm_timeout);
  };
}

}  // namespace

Result<Reply> request_certificate(AdminCall& call) {
  call.audit_target = call.names[0];
  NAE_ASSIGN(RequestFields read, read_request_fields(call));
  // Clients go by the names, not by the subject.
  call.audit_detail = read.request.subject;
  for (const std::string& name : read.request.names) call.audit_detail += " " + name;
  const keys::KeyPointer key = call.parts.keys.ring.find(call.names[0]);
  if (!key) return fail(Code::key_unknown, "no key is called \"" + call.names[0] + "\"");
  NAE_ASSIGN(const keys::Version* version, signing_version(*key, read.version));
  crypto::KeyRequest& request = read.request;
  request.scheme = crypto::request_scheme(
      key->type, [&](SignatureScheme scheme) { return key->attributes.allows(scheme); });
  if (request.scheme == SignatureScheme::key_default)
    return fail(Code::key_attribute,
                "key \"" + key->name + "\" allows no scheme that requests are signed by",
                "Allow it rsa-pkcs1-sha256: authorities know no request that PSS signed.");
  request.spki = version->material.public_key;
  call.audit_detail = "version " + std::to_string(version->number) + " " + call.audit_detail;
  NAE_ASSIGN(
      const std::string pem,
      crypto::make_key_request(request, signer_of(call, key, version->number, request.scheme)));
  call.parts.keys.ring.usage().add_uses(version->usage, 1, call.now_us);
  return Reply{{{"request", pem}, {"version", version->number}, {"scheme", name(request.scheme)}}};
}

Result<Reply> set_certificate(AdminCall& call) {
  call.audit_target = call.names[0];
  NAE_ASSIGN(const json::object body, call.body());
  api::Fields fields(body);
  NAE_ASSIGN(const std::string pem, fields.text("certificate"));
  NAE_TRY(fields.complete());
  NAE_ASSIGN(const Bytes chain, crypto::chain_from_pem(pem));
  NAE_ASSIGN(const crypto::LeafInfo leaf, crypto::leaf_of(chain));
  call.audit_detail = leaf.subject + " serial " + leaf.serial;
  NAE_ASSIGN(const keys::KeyPointer key,
             call.parts.keys.ring.set_certificates(call.names[0], chain));
  for (const keys::Version& version : key->versions)
    if (version.certificates == chain)
      call.audit_detail = "version " + std::to_string(version.number) + " " + call.audit_detail;
  NAE_TRY(put_in_force(call, *key));
  return changed(call, *key);
}

Result<Reply> remove_certificate(AdminCall& call) {
  call.audit_target = call.names[0];
  NAE_ASSIGN(const std::uint64_t number, whole_number(call.names[1], "the version", 1, UINT16_MAX));
  call.audit_detail = "version " + std::to_string(number) + " removed";
  NAE_ASSIGN(const keys::KeyPointer key, call.parts.keys.ring.remove_certificates(
                                             call.names[0], static_cast<std::uint16_t>(number)));
  NAE_TRY(put_in_force(call, *key));
  return changed(call, *key);
}

}  // namespace nae::admin

#include "keyserver/admin/approval_base.hpp"

#include "keyserver/admin/key_digest.hpp"
#include "libnae/base/text.hpp"
#include "libnae/crypto/hash.hpp"

namespace nae::admin {
namespace {

Result<std::string> policy_base(const AdminCall& call) {
  return "policy:" + std::to_string(call.parts.policy.snapshot()->number);
}

Result<std::string> key_base(const AdminCall& call) {
  const keys::KeyPointer key = call.parts.keys.ring.find(call.names.at(0));
  if (!key) return fail(Code::key_unknown, "no key is called \"" + call.names[0] + "\"");
  return key_digest(*key);
}

Result<std::string> admin_base(const AdminCall& call) {
  NAE_ASSIGN(std::optional<store::Admin> admin,
             call.parts.store.store.find_admin(call.names.at(0)));
  if (!admin) return fail(Code::not_found, "no administrator is called \"" + call.names[0] + "\"");
  std::string text = "nae-admin-row-1\n" + admin->key_sha256;
  for (const std::string& role : admin->roles) text += "\n" + role;
  return "admin:" + to_hex(crypto::sha256(as_bytes(text)));
}

}  // namespace

Result<std::string> base_of(const AdminCall& call, const Route& route) {
  if (route.action == "policy-apply") return policy_base(call);
  if (call.names.empty() || route.action == "key-import") return std::string();
  if (route.path.starts_with("/v1/keys/")) return key_base(call);
  if (route.path.starts_with("/v1/admins/")) return admin_base(call);
  return std::string();
}

}  // namespace nae::admin

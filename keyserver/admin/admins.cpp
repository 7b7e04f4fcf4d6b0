// /v1/admins: who administers, with which roles. Nobody gives or takes a role that he does not hold
// himself: each duty appoints its own, and no call is the way to another duty.
#include <algorithm>
#include <iterator>

#include "keyserver/admin/api/time.hpp"
#include "keyserver/admin/issue.hpp"
#include "keyserver/setup/authority.hpp"
#include "libnae/base/text.hpp"
#include "libnae/crypto/hash.hpp"

namespace nae::admin {
namespace {

// The body of admin-add and admin-renew.
struct Wanted {
  std::string name;
  std::vector<std::string> roles;
  std::string request;
  std::int64_t days = setup::kCertificateDays;
};

// Sorted, as the store has them.
Result<std::vector<std::string>> read_roles(api::Fields& fields) {
  NAE_ASSIGN(std::vector<std::string> names, fields.optional_texts("roles"));
  if (names.empty())
    return fail(Code::invalid_argument, "\"roles\" must name at least one role",
                "To take the last one, remove the administrator.");
  for (const std::string& role : names)
    if (!admin_role_from_name(role))
      return fail(Code::invalid_argument, "no role is called \"" + role + "\"",
                  "Roles: key-admin, policy-admin, auditor, operator.");
  std::sort(names.begin(), names.end());
  if (std::adjacent_find(names.begin(), names.end()) != names.end())
    return fail(Code::invalid_argument, "a role is named twice");
  return names;
}

Result<Wanted> read_new_admin(const AdminCall& call) {
  NAE_ASSIGN(json::object body, call.body());
  api::Fields fields(body);
  Wanted wanted;
  NAE_ASSIGN(wanted.name, fields.text("name"));
  NAE_ASSIGN(wanted.roles, read_roles(fields));
  NAE_ASSIGN(wanted.request, fields.text("request"));
  NAE_ASSIGN(auto days, fields.optional_integer("valid_days", 1, setup::kCertificateDays));
  NAE_TRY(fields.complete());
  wanted.days = days.value_or(setup::kCertificateDays);
  if (!is_name(wanted.name))
    return fail(Code::invalid_argument, "the administrator's name is no name");
  return wanted;
}

Result<std::vector<std::string>> read_new_roles(const AdminCall& call) {
  NAE_ASSIGN(json::object body, call.body());
  api::Fields fields(body);
  NAE_ASSIGN(std::vector<std::string> roles, read_roles(fields));
  NAE_TRY(fields.complete());
  return roles;
}

Result<store::Admin> admin_of(const AdminCall& call) {
  NAE_ASSIGN(std::optional<store::Admin> admin,
             call.parts.store.store.find_admin(call.names.at(0)));
  if (!admin)
    return fail(Code::not_found, "no administrator is called \"" + call.names.at(0) + "\"");
  return *std::move(admin);
}

Result<void> must_hold(const AdminCall& call, const std::vector<std::string>& roles) {
  for (const std::string& name : roles) {
    std::optional<AdminRole> role = admin_role_from_name(name);
    if (!role || !call.roles.contains(*role))
      return fail(Code::admin_role_missing,
                  "only who holds the role " + name + " gives or takes it",
                  "Ask an administrator with that role; see 'nae admin list'.");
  }
  return {};
}

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : ", ") + text;
  return all;
}

// With approvals required, a role with one holder could never get a second: it takes two.
store::LeastHolders least_holders(const AdminCall& call) {
  return {call.parts.approval.rules.any() ? 2u : 1u, call.now_us};
}

struct Issued {
  std::string pem;
  std::string key_sha256;
  store::AdminCertificate certificate;
};

Result<Issued> issue_to(AdminCall& call, const std::string& admin, Bytes spki, std::int64_t days) {
  NAE_ASSIGN(std::string pem,
             issue_client_certificate(call, admin, "nae://admin/" + admin, std::move(spki), days));
  NAE_ASSIGN(crypto::CertificateInfo info, crypto::read_certificate(pem));
  call.audit_detail = "serial " + info.serial;
  return Issued{
      pem,
      to_hex(crypto::sha256(info.spki)),
      {info.fingerprint, info.serial, call.now_us, info.not_after_s * api::kMicrosecondsPerSecond}};
}

json::object shown_certificate(const store::AdminCertificate& certificate) {
  return {{"serial", certificate.serial},
          {"fingerprint", certificate.fingerprint},
          {"issued_at", api::format_time(certificate.issued_at_us)},
          {"not_after", api::format_time(certificate.expires_at_us)}};
}

json::object reply_with(const AdminCall& call, const std::string& admin, const Issued& issued) {
  json::object reply = shown_certificate(issued.certificate);
  reply["name"] = admin;
  reply["certificate"] = issued.pem;
  reply["authority"] = call.parts.certificates.authority_pem;
  return reply;
}

}  // namespace

Result<Reply> list_admins(AdminCall& call) {
  NAE_TRY(call.only_parameters({}));
  NAE_ASSIGN(std::vector<store::Admin> known, call.parts.store.store.list_admins());
  json::array admins;
  for (const store::Admin& admin : known) {
    json::array certificates;
    for (const store::AdminCertificate& certificate : admin.certificates)
      certificates.push_back(shown_certificate(certificate));
    admins.push_back(json::object{{"name", admin.name},
                                  {"roles", json::array(admin.roles.begin(), admin.roles.end())},
                                  {"created_at", api::format_time(admin.created_at_us)},
                                  {"key_sha256", admin.key_sha256},
                                  {"certificates", std::move(certificates)}});
  }
  return Reply{{{"admins", std::move(admins)}}};
}

Result<void> may_add_admin(const AdminCall& call) {
  NAE_ASSIGN(Wanted wanted, read_new_admin(call));
  return must_hold(call, wanted.roles);
}

// Asked again for the same name, key and roles, as by somebody whose answer was lost, it issues
// another certificate: the name is not taken by a key that nobody has a certificate for.
Result<Reply> add_admin(AdminCall& call) {
  NAE_ASSIGN(Wanted wanted, read_new_admin(call));
  call.audit_target = wanted.name;
  NAE_ASSIGN(crypto::CertificateRequest request, crypto::read_request(wanted.request));
  NAE_ASSIGN(Issued issued, issue_to(call, wanted.name, std::move(request.spki), wanted.days));
  call.audit_detail += ", roles " + joined(wanted.roles);
  const store::Admin added{
      wanted.name, wanted.roles, call.now_us, issued.key_sha256, {issued.certificate}};
  // A certificate that is not inserted is not given out.
  NAE_ASSIGN(std::optional<store::Admin> known, call.parts.store.store.find_admin(wanted.name));
  if (known && known->key_sha256 == added.key_sha256 && known->roles == added.roles)
    NAE_TRY(call.parts.store.store.insert_admin_certificate(*known, issued.certificate));
  else
    NAE_TRY(call.parts.store.store.insert_admin(added));
  NAE_TRY(call.parts.certificates.admins.reload());
  json::object reply = reply_with(call, wanted.name, issued);
  reply["roles"] = json::array(wanted.roles.begin(), wanted.roles.end());
  return Reply{std::move(reply), 201};
}

Result<void> may_remove_admin(const AdminCall& call) {
  NAE_ASSIGN(store::Admin admin, admin_of(call));
  return must_hold(call, admin.roles);
}

Result<Reply> remove_admin(AdminCall& call) {
  NAE_TRY(call.only_parameters({}));
  NAE_ASSIGN(store::Admin admin, admin_of(call));
  NAE_TRY(must_hold(call, admin.roles));
  Result<void> removed = call.parts.store.store.remove_admin(admin, least_holders(call));
  // In any case: an earlier call may have got no further than the store.
  NAE_TRY(call.parts.certificates.admins.reload());
  NAE_TRY(removed);
  call.audit_detail = "roles were " + joined(admin.roles);
  return Reply{{{"name", admin.name}}};
}

Result<void> may_set_admin_roles(const AdminCall& call) {
  NAE_ASSIGN(std::vector<std::string> roles, read_new_roles(call));
  NAE_ASSIGN(store::Admin admin, admin_of(call));
  std::vector<std::string> changed;
  std::set_symmetric_difference(admin.roles.begin(), admin.roles.end(), roles.begin(), roles.end(),
                                std::back_inserter(changed));
  return must_hold(call, changed);
}

Result<Reply> set_admin_roles(AdminCall& call) {
  NAE_TRY(may_set_admin_roles(call));
  NAE_ASSIGN(std::vector<std::string> roles, read_new_roles(call));
  NAE_ASSIGN(store::Admin admin, admin_of(call));
  NAE_TRY(call.parts.store.store.set_admin_roles(admin, roles, least_holders(call)));
  call.audit_detail = joined(admin.roles) + " becomes " + joined(roles);
  return Reply{{{"name", admin.name}, {"roles", json::array(roles.begin(), roles.end())}}};
}

Result<void> may_renew_admin(const AdminCall& call) {
  if (call.names.at(0) == call.admin) return {};
  return fail(Code::admin_role_missing, "everybody renews his own certificate alone",
              "For a new key, have the administrator removed and added again.");
}

Result<Reply> renew_admin(AdminCall& call) {
  NAE_ASSIGN(json::object body, call.body());
  api::Fields fields(body);
  NAE_ASSIGN(std::string request_pem, fields.text("request"));
  NAE_ASSIGN(auto days, fields.optional_integer("valid_days", 1, setup::kCertificateDays));
  NAE_TRY(fields.complete());
  NAE_ASSIGN(store::Admin admin, admin_of(call));
  NAE_ASSIGN(crypto::CertificateRequest request, crypto::read_request(request_pem));
  if (to_hex(crypto::sha256(request.spki)) != admin.key_sha256)
    return fail(Code::conflict, "the request is by another key than " + admin.name + " has",
                "For a new key, have the administrator removed and added again.");
  NAE_ASSIGN(Issued issued, issue_to(call, admin.name, std::move(request.spki),
                                     days.value_or(setup::kCertificateDays)));
  NAE_TRY(call.parts.store.store.insert_admin_certificate(admin, issued.certificate));
  NAE_TRY(call.parts.certificates.admins.reload());
  return Reply{reply_with(call, admin.name, issued), 201};
}

}  // namespace nae::admin

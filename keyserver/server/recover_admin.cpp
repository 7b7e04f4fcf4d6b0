#include "keyserver/server/recover_admin.hpp"

#include <unistd.h>

#include <algorithm>

#include "keyserver/admin/admin_role.hpp"
#include "keyserver/server/hsm_options.hpp"
#include "keyserver/server/offline_ledger.hpp"
#include "keyserver/server/offline_log.hpp"
#include "keyserver/server/open_store.hpp"
#include "keyserver/server/renew_certificate.hpp"
#include "keyserver/setup/authority.hpp"
#include "keyserver/setup/initialise.hpp"
#include "keyserver/setup/reason.hpp"
#include "keyserver/setup/token_binding.hpp"
#include "keyserver/store/acting.hpp"
#include "libnae/base/clock.hpp"
#include "libnae/base/file.hpp"
#include "libnae/base/text.hpp"
#include "libnae/crypto/hash.hpp"

namespace nae::server {
namespace {

constexpr std::int64_t kMicroseconds = 1'000'000;

Result<std::vector<std::string>> checked_roles(std::vector<std::string> roles) {
  if (roles.empty())
    for (admin::AdminRole role : admin::admin_roles()) roles.emplace_back(name(role));
  for (const std::string& role : roles)
    if (!admin::admin_role_from_name(role))
      return fail(Code::invalid_argument, "no role is called \"" + role + "\"",
                  "Roles: key-admin, policy-admin, auditor, operator.");
  std::sort(roles.begin(), roles.end());
  roles.erase(std::unique(roles.begin(), roles.end()), roles.end());
  return roles;
}

// Who is to be appointed, or is there already. Nothing is recorded for what the store would refuse.
Result<store::Admin> find_or_make(store::Admins& store, const Recovery& wanted,
                                  const std::string& key_sha256, std::int64_t now_us) {
  NAE_ASSIGN(std::vector<store::Admin> admins, store.list_admins());
  for (store::Admin& admin : admins) {
    if (admin.name == wanted.name && admin.key_sha256 == key_sha256) return std::move(admin);
    if (admin.name == wanted.name)
      return fail(
          Code::conflict, "the name " + admin.name + " belongs to another key",
          "Choose another name; the old one can be removed by nae admin remove afterwards.");
    if (admin.key_sha256 == key_sha256)
      return fail(Code::conflict, "the key is that of " + admin.name,
                  "Give --name " + admin.name + ", or make the request by a key of its own.");
  }
  NAE_ASSIGN(std::vector<std::string> roles, checked_roles(wanted.roles));
  return store::Admin{wanted.name, std::move(roles), now_us, key_sha256, {}};
}

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : " ") + text;
  return all;
}

std::string describe(const Recovery& wanted, const store::Admin& admin,
                     const store::AdminCertificate& certificate) {
  return "by uid " + std::to_string(::getuid()) + ": " + wanted.reason + "; administrator " +
         admin.name + (admin.certificates.empty() ? ", new" : ", as before") + ", roles " +
         joined(admin.roles) + ", key " + admin.key_sha256 + ", certificate serial " +
         certificate.serial;
}

Result<void> make_out(const std::filesystem::path& out) {
  std::error_code error;
  std::filesystem::create_directories(out, error);
  if (!error && std::filesystem::is_empty(out, error)) return {};
  return fail(Code::file_failed, out.string() + " cannot be made or is not empty");
}

}  // namespace

Result<Recovered> recover_admin(const config::Config& config, const Recovery& wanted) {
  NAE_TRY(setup::check_reason(wanted.reason));
  if (!is_name(wanted.name))
    return fail(Code::invalid_argument, "the administrator's name is no name");
  NAE_ASSIGN(std::string request_pem, read_file(wanted.request, kMostPemBytes));
  NAE_ASSIGN(crypto::CertificateRequest request, crypto::read_request(request_pem));
  NAE_ASSIGN(std::string authority, read_file(config.tls.client_authority, kMostPemBytes));

  if (!config.hsm.softhsm_configuration.empty())
    setup::use_softhsm_configuration(config.hsm.softhsm_configuration);
  NAE_ASSIGN(auto hsm, hsm::Pkcs11Hsm::open(hsm_options(config)));
  NAE_ASSIGN(auto store, open_store(config));
  NAE_TRY(setup::check_token(*store, *hsm));
  NAE_TRY(take_up_ledger_if_there(*store, *hsm));
  const store::Acting acting("nae-keyserver recover-admin");
  NAE_ASSIGN(OfflineLog log,
             OfflineLog::open(config, *store, *hsm, "nae-keyserver recover-admin", *store));

  const std::int64_t now_us = unix_time_us();
  NAE_ASSIGN(store::Admin admin,
             find_or_make(*store, wanted, to_hex(crypto::sha256(request.spki)), now_us));
  NAE_ASSIGN(std::string pem,
             setup::issue_client(*hsm, authority, admin.name, "nae://admin/" + admin.name,
                                 request.spki, now_us / kMicroseconds, setup::kCertificateDays));
  NAE_ASSIGN(crypto::CertificateInfo info, crypto::read_certificate(pem));
  const store::AdminCertificate certificate{info.fingerprint, info.serial, now_us,
                                            info.not_after_s * kMicroseconds};
  NAE_TRY(make_out(wanted.out));
  Recovered recovered{wanted.out / (admin.name + ".pem"), wanted.out / "authority.pem", info.serial,
                      info.not_after_s, describe(wanted, admin, certificate)};
  // Before anything is recorded: a certificate that cannot be kept must not be issued.
  NAE_ASSIGN(NewFile certificate_file,
             NewFile::reserve(recovered.certificate, 0644, kMostPemBytes));
  NAE_ASSIGN(NewFile authority_file, NewFile::reserve(recovered.authority, 0644, kMostPemBytes));
  NAE_TRY(log.record("admin-recovered", recovered.detail));

  const bool is_new = admin.certificates.empty();
  Result<void> stored = {};
  if (is_new) {
    admin.certificates = {certificate};
    stored = store->insert_admin(admin);
  } else {
    stored = store->insert_admin_certificate(admin, certificate);
  }
  if (!stored) {
    NAE_TRY(log.record("admin-recovery-failed", stored.error().message));
    return fail(std::move(stored).error());
  }
  NAE_TRY(certificate_file.write(as_bytes(pem)));
  NAE_TRY(authority_file.write(as_bytes(authority)));
  return recovered;
}

}  // namespace nae::server

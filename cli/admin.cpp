// nae admin add | list | roles | remove | renew
#include <ostream>

#include "cli/confirmation.hpp"
#include "cli/enrolment.hpp"
#include "cli/local_time.hpp"
#include "cli/table.hpp"
#include "libnae/base/file.hpp"
#include "libnae/crypto/certificate.hpp"

namespace nae::cli {
namespace {

using admin::api::items;
using admin::api::shown;

constexpr unsigned kMostDays = 825;
constexpr std::size_t kMaxCertificateBytes = 64u << 10;
constexpr std::string_view kAdminUri = "nae://admin/";

json::array array_of(const std::vector<std::string>& texts) {
  return json::array(texts.begin(), texts.end());
}

std::string joined(const json::value& object, std::string_view name) {
  std::string all;
  for (const json::value& text : items(object, name))
    all += (all.empty() ? "" : ", ") + std::string(text.is_string() ? text.get_string() : "");
  return all;
}

struct AddOptions {
  std::string name, out, request, approval;
  std::vector<std::string> roles;
  unsigned valid_days = kMostDays;
};
Outcome<ExitCode> add(Call& call, const AddOptions& options) {
  NAE_ANSWER(std::string name, checked_name(options.name));
  NAE_ANSWER(auto server, call.server());
  Enrolment wanted;
  wanted.name = name;
  wanted.uri = std::string(kAdminUri) + name;
  wanted.path = "/v1/admins";
  wanted.body = {
      {"name", name}, {"roles", array_of(options.roles)}, {"valid_days", options.valid_days}};
  wanted.out = options.out;
  wanted.request = options.request;
  wanted.approval = options.approval;
  NAE_ANSWER(json::object done, enrol(*server, wanted));
  call.show(done, [&] {
    json::value files(done);
    call.out << "Administrator " << name << " may work until "
             << local_time_with_zone(shown(files, "not_after")) << ".\n";
    if (std::string key = shown(files, "key_file"); !key.empty())
      call.out << "  private key  " << key << " (for that person alone)\n";
    call.out << "  certificate  " << shown(files, "certificate_file") << '\n'
             << "  authority    " << shown(files, "authority_file") << '\n';
  });
  return kOk;
}

Outcome<ExitCode> list_admins(Call& call, const NoOptions&) {
  NAE_ANSWER(auto server, call.server());
  NAE_ANSWER(json::value answer, server->call("GET", "/v1/admins"));
  call.show(answer, [&] {
    Table table({"NAME", zoned("SINCE"), "CERTIFICATE UNTIL", "ROLES"});
    for (const json::value& admin : items(answer, "admins")) {
      std::string until;
      for (const json::value& certificate : items(admin, "certificates"))
        until = std::max(until, shown(certificate, "not_after"));
      table.add({shown(admin, "name"), local_time(shown(admin, "created_at")), local_time(until),
                 joined(admin, "roles")});
    }
    call.print(table);
  });
  return kOk;
}

struct RolesOptions {
  std::string name;
  std::vector<std::string> roles;
};
Outcome<ExitCode> set_roles(Call& call, const RolesOptions& options) {
  NAE_ANSWER(std::string name, checked_name(options.name));
  NAE_ANSWER(auto server, call.server());
  NAE_ANSWER(json::value answer, server->call("PUT", "/v1/admins/" + name + "/roles",
                                              {{"roles", array_of(options.roles)}}));
  call.show(answer, [&] {
    call.out << "Administrator " << name << " has the roles: " << joined(answer, "roles") << ".\n";
  });
  return kOk;
}

struct RemoveOptions {
  std::string name;
  bool yes = false;
};

// What the question before it says.
Outcome<std::string> removal_of(Server& server, const std::string& name) {
  NAE_ANSWER(const json::value answer, server.call("GET", "/v1/admins"));
  std::string roles;
  for (const json::value& admin : items(answer, "admins"))
    if (shown(admin, "name") == name) roles = " (" + joined(admin, "roles") + ")";
  return "Administrator " + name + roles +
         " is removed: those certificates are refused from now on, for good and on open "
         "connections too.";
}

Outcome<ExitCode> remove(Call& call, const RemoveOptions& options) {
  NAE_ANSWER(std::string name, checked_name(options.name));
  NAE_ANSWER(auto server, call.server());
  if (will_be_asked(call, options.yes)) {
    NAE_ANSWER(const std::string consequence, removal_of(*server, name));
    NAE_TRY_OUTCOME(confirmed(call, options.yes, consequence));
  }
  NAE_ANSWER(json::value answer, server->call("DELETE", "/v1/admins/" + name));
  call.show(answer, [&] {
    call.out << "Administrator " << name << " is removed: no call with those certificates is "
             << "answered any more.\n";
  });
  return kOk;
}

struct RenewOptions {
  std::string out;
  unsigned valid_days = kMostDays;
};
Outcome<ExitCode> renew(Call& call, const RenewOptions& options) {
  NAE_ASSIGN(Profile profile, resolve_profile(call.profile));
  NAE_ASSIGN(std::string own, read_file(profile.certificate, kMaxCertificateBytes));
  NAE_ASSIGN(crypto::CertificateInfo info, crypto::read_certificate(own));
  if (info.uri_names.size() != 1 || !info.uri_names[0].starts_with(kAdminUri))
    return tl::unexpected<Failure>(
        Error(Code::invalid_argument, profile.certificate.string() + " is no administrator's"));
  NAE_ANSWER(auto server, Server::open(profile));
  server->behind = call.behind;
  Enrolment wanted;
  NAE_ANSWER(wanted.name, checked_name(info.uri_names[0].substr(kAdminUri.size())));
  wanted.uri = info.uri_names[0];
  wanted.path = "/v1/admins/" + wanted.name + "/certificate";
  wanted.body = {{"valid_days", options.valid_days}};
  wanted.out = options.out;
  wanted.key = profile.key;
  NAE_ANSWER(json::object done, enrol(*server, wanted));
  call.show(done, [&] {
    json::value files(done);
    call.out << "The certificate of administrator " << wanted.name << " is renewed until "
             << local_time_with_zone(shown(files, "not_after")) << ".\n"
             << "  certificate  " << shown(files, "certificate_file") << " (put it in the place of "
             << profile.certificate.string() << ")\n";
  });
  return kOk;
}

void add_roles_option(CLI::App& leaf, std::vector<std::string>& roles) {
  leaf.add_option("--role", roles, "key-admin, policy-admin, auditor or operator; repeatable")
      ->check(CLI::IsMember({"key-admin", "policy-admin", "auditor", "operator"}))
      ->required();
}

}  // namespace

void add_admin(CLI::App& app, Action& chosen) {
  CLI::App* admin =
      app.add_subcommand("admin", "Appoint administrators, change their roles, remove them");
  admin->require_subcommand(1)->fallthrough();
  admin->footer(
      "Nobody gives or takes a role that he does not hold himself. Any role may list.\n\n"
      "Examples:\n"
      "  nae admin add alice --role key-admin --out ./alice\n"
      "  nae admin list\n"
      "  nae admin roles admin --role auditor\n"
      "  nae admin remove alice");

  auto [add_leaf_app, a] = add_leaf<AddOptions>(
      *admin, "add", "Make a private key and a certificate for an administrator", chosen, add);
  add_leaf_app->add_option("NAME", a->name, "Name of the administrator")->required();
  add_roles_option(*add_leaf_app, a->roles);
  add_leaf_app->add_option("--out", a->out, "Directory for the three files")->required();
  add_leaf_app->add_option("--request", a->request,
                           "PKCS#10 request (PEM) by a key that the person made");
  add_approval(*add_leaf_app, a->approval);
  add_valid_days(*add_leaf_app, a->valid_days, kMostDays);
  add_leaf_app->fallthrough()->footer(
      "The private key is made here and never sent; better still, the person makes it and gives\n"
      "you the request. Writes NAME.key (mode 0600), NAME.pem and authority.pem, and overwrites\n"
      "nothing. Cut short, the same command goes on. The name belongs to this key until the "
      "administrator is removed.\n\n"
      "Examples:\n"
      "  nae admin add alice --role key-admin --out ./alice\n"
      "  nae admin add bob --role policy-admin --role auditor --out ./bob --request bob.csr");

  add_leaf<NoOptions>(*admin, "list", "List administrators and their roles", chosen, list_admins)
      .first->fallthrough()
      ->footer("Example:\n  nae admin list --json");

  auto [roles_leaf, r] = add_leaf<RolesOptions>(
      *admin, "roles", "Give an administrator these roles and no others", chosen, set_roles);
  roles_leaf->add_option("NAME", r->name, "Name of the administrator")->required();
  add_roles_option(*roles_leaf, r->roles);
  roles_leaf->fallthrough()->footer(
      "You must hold every role that is added or taken, and somebody else must hold what is "
      "taken.\n\nExample:\n  nae admin roles admin --role auditor");

  auto [remove_leaf, d] = add_leaf<RemoveOptions>(
      *admin, "remove", "Refuse an administrator from now on", chosen, remove);
  remove_leaf->add_option("NAME", d->name, "Name of the administrator")->required();
  add_yes(*remove_leaf, d->yes);
  remove_leaf->fallthrough()->footer(
      "At once, on open connections too. You must hold every role of that administrator, and\n"
      "somebody else must be left to hold each.\n\nExample:\n  nae admin remove alice");

  auto [renew_leaf, n] = add_leaf<RenewOptions>(
      *admin, "renew", "Renew your own certificate, for the key that you have", chosen, renew);
  renew_leaf->add_option("--out", n->out, "Directory for the new certificate")->required();
  add_valid_days(*renew_leaf, n->valid_days, kMostDays);
  renew_leaf->fallthrough()->footer(
      "Before it expires: an expired certificate renews nothing. The old one is good until "
      "then.\n\n"
      "Example:\n  nae admin renew --out ./renewed");
}

}  // namespace nae::cli

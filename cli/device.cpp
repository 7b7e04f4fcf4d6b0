// nae device enroll | renew | list | remove
#include <ostream>

#include "cli/enrolment.hpp"
#include "cli/table.hpp"

namespace nae::cli {
namespace {

using admin::api::items;
using admin::api::shown;

constexpr unsigned kMostDays = 3650;

struct EnrollOptions {
  std::string name, out, request, key, approval;
  unsigned valid_days = 365;
};

Enrolment wanted_by(const EnrollOptions& options, const std::string& name) {
  Enrolment wanted;
  wanted.name = name;
  wanted.uri = "nae://device/" + name;
  wanted.path = "/v1/devices";
  wanted.body = {{"name", name}, {"valid_days", options.valid_days}};
  wanted.out = options.out;
  wanted.request = options.request;
  wanted.key = options.key;
  wanted.approval = options.approval;
  return wanted;
}

Outcome<ExitCode> enroll(Call& call, const EnrollOptions& options) {
  NAE_ANSWER(std::string name, checked_name(options.name));
  NAE_ANSWER(auto server, call.server());
  NAE_ANSWER(json::object done, enrol(*server, wanted_by(options, name)));
  call.show(done, [&] {
    json::value files(done);
    call.out << "Device " << name << " is enrolled until " << shown(files, "not_after") << ".\n";
    if (std::string key = shown(files, "key_file"); !key.empty())
      call.out << "  private key  " << key << " (keep it on that host alone)\n";
    call.out << "  certificate  " << shown(files, "certificate_file") << '\n'
             << "  authority    " << shown(files, "authority_file") << '\n'
             << "Next: name the files in nae-agent's configuration on " << name
             << ", and the device in the policy.\n";
  });
  return kOk;
}

// What enroll() does for a key that exists; a command of its own because nobody looks for a renewal
// under enrolling.
Outcome<ExitCode> renew(Call& call, const EnrollOptions& options) {
  NAE_ANSWER(std::string name, checked_name(options.name));
  if (options.request.empty() && options.key.empty() && options.approval.empty())
    return tl::unexpected<Failure>(Error(Code::invalid_argument,
                                         "a renewal is for the key that the host has",
                                         "Give --request FILE, made on the host, or --key FILE."));
  NAE_ANSWER(auto server, call.server());
  NAE_ANSWER(json::object done, enrol(*server, wanted_by(options, name)));
  call.show(done, [&] {
    json::value files(done);
    call.out << "The certificate of device " << name << " is renewed until "
             << shown(files, "not_after") << ".\n"
             << "  certificate  " << shown(files, "certificate_file") << '\n'
             << "  authority    " << shown(files, "authority_file") << '\n'
             << "Next: put it in the place of the old one, then systemctl reload nae-agent.\n";
  });
  return kOk;
}

struct NoOptions {};
Outcome<ExitCode> list(Call& call, const NoOptions&) {
  NAE_ANSWER(auto server, call.server());
  NAE_ANSWER(json::value answer, server->call("GET", "/v1/devices"));
  call.show(answer, [&] {
    Table table({"NAME", "ENROLLED", "EXPIRES", "REMOVED", "SERIAL"});
    for (const json::value& device : items(answer, "devices"))
      table.add({shown(device, "name"), shown(device, "issued_at"), shown(device, "not_after"),
                 shown(device, "removed_at"), shown(device, "serial")});
    if (table.empty())
      call.out << "No devices yet; enroll one with: nae device enroll NAME --out DIR\n";
    else
      table.print(call.out);
  });
  return kOk;
}

struct RemoveOptions {
  std::string name;
};
Outcome<ExitCode> remove(Call& call, const RemoveOptions& options) {
  NAE_ANSWER(std::string name, checked_name(options.name));
  NAE_ANSWER(auto server, call.server());
  NAE_ANSWER(json::value answer, server->call("DELETE", "/v1/devices/" + name));
  call.show(answer, [&] {
    call.out << "Device " << name
             << " is removed: none of its certificates is accepted any more.\n"
                "The policy still names it if it did before; what is enrolled as "
             << name << " next gets the same rights.\n";
  });
  return kOk;
}

}  // namespace

void add_device(CLI::App& app, Action& chosen) {
  CLI::App* device =
      app.add_subcommand("device", "Enroll database hosts, renew, list and remove them");
  device->require_subcommand(1)->fallthrough();
  device->footer(
      "Enrolling and removing take the role operator; listing takes operator or auditor.\n\n"
      "Examples:\n"
      "  nae device enroll db1 --out ./db1\n"
      "  nae device list\n"
      "  nae device remove db1");

  auto [enroll_leaf, options] = add_leaf<EnrollOptions>(
      *device, "enroll", "Make a private key and a certificate for a host", chosen, enroll);
  enroll_leaf->add_option("NAME", options->name, "Name of the device, as policy will call it")
      ->required();
  enroll_leaf->add_option("--out", options->out, "Directory for the three files")->required();
  enroll_leaf->add_option("--request", options->request,
                          "PKCS#10 request (PEM) by a key that the host has already: renewal");
  add_approval(*enroll_leaf, options->approval);
  add_valid_days(*enroll_leaf, options->valid_days, kMostDays);
  enroll_leaf->fallthrough()->footer(
      "The private key is made here and never sent. Writes NAME.key (mode 0600), NAME.pem and\n"
      "authority.pem, and overwrites nothing. A name whose certificate is good is enrolled again "
      "only\n"
      "for the same key: make the request on the host and give it by --request; no key is "
      "written.\n\n"
      "Examples:\n"
      "  nae device enroll db1 --out ./db1 --valid-days 90\n"
      "  openssl req -new -key /etc/nae/device.key -subj /CN=db1 -out db1.csr   (on the host)\n"
      "  nae device enroll db1 --out ./renewed --request db1.csr");

  auto [renew_leaf, renewed] = add_leaf<EnrollOptions>(
      *device, "renew", "Renew the certificate of a host, for the key that it has", chosen, renew);
  renew_leaf->add_option("NAME", renewed->name, "Name of the device")->required();
  renew_leaf->add_option("--out", renewed->out, "Directory for the new certificate")->required();
  CLI::Option* request = renew_leaf->add_option("--request", renewed->request,
                                                "PKCS#10 request (PEM) made on the host");
  renew_leaf->add_option("--key", renewed->key, "The host's private key (PEM), when it is here")
      ->excludes(request);
  add_approval(*renew_leaf, renewed->approval);
  add_valid_days(*renew_leaf, renewed->valid_days, kMostDays);
  renew_leaf->fallthrough()->footer(
      "Takes the role operator. The old certificate is good until it expires or the device is\n"
      "removed.\n\n"
      "Examples:\n"
      "  openssl req -new -key /etc/nae/device.key -subj /CN=db1 -out db1.csr   (on the host)\n"
      "  nae device renew db1 --out ./renewed --request db1.csr");

  add_leaf<NoOptions>(*device, "list", "List the certificates issued to devices", chosen, list)
      .first->fallthrough()
      ->footer("Example:\n  nae device list --json");

  auto [remove_leaf, removed] = add_leaf<RemoveOptions>(
      *device, "remove", "Refuse all certificates of a device from now on", chosen, remove);
  remove_leaf->add_option("NAME", removed->name, "Name of the device")->required();
  remove_leaf->fallthrough()->footer(
      "At once, on open connections too, and for good: the host works again only after it is\n"
      "enrolled again. Take the device out of the policy as well if nobody is to get its "
      "rights.\n\n"
      "Example:\n  nae device remove db1");
}

}  // namespace nae::cli

// nae device enroll | renew | rekey | confirm | list | remove
#include <ostream>
#include <set>

#include "cli/confirmation.hpp"
#include "cli/enrolment.hpp"
#include "cli/enrolment_files.hpp"
#include "cli/input.hpp"
#include "cli/local_time.hpp"
#include "cli/table.hpp"
#include "libnae/crypto/base64.hpp"

namespace nae::cli {
namespace {

using admin::api::items;
using admin::api::shown;

constexpr unsigned kMostDays = 3650;
constexpr std::size_t kShownDigits = 16;  // of a key's digest

struct EnrollOptions {
  std::string name, out, request, key, approval, kind = "device";
  unsigned valid_days = 365;
};

Enrolment wanted_by(const EnrollOptions& options, const std::string& name) {
  Enrolment wanted;
  wanted.name = name;
  wanted.uri = "nae://" + options.kind + "/" + name;
  wanted.path = "/v1/devices";
  wanted.body = {{"name", name}, {"valid_days", options.valid_days}};
  // Servers of before know no kinds, and need not.
  if (options.kind != "device") wanted.body["kind"] = options.kind;
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
    call.out << (options.kind == "monitoring" ? "Monitoring " : "Device ") << name
             << " is enrolled until " << local_time_with_zone(shown(files, "not_after")) << ".\n";
    if (std::string key = shown(files, "key_file"); !key.empty())
      call.out << "  private key  " << key << " (keep it on that host alone)\n";
    call.out << "  certificate  " << shown(files, "certificate_file") << '\n'
             << "  authority    " << shown(files, "authority_file") << '\n';
    if (options.kind == "monitoring")
      call.out << "Next: give the three files to what asks for /metrics, /healthz and /readyz; "
                  "they open nothing else.\n";
    else
      call.out << "Next: name the files in nae-agent's configuration on " << name
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
             << local_time_with_zone(shown(files, "not_after")) << ".\n"
             << "  certificate  " << shown(files, "certificate_file") << '\n'
             << "  authority    " << shown(files, "authority_file") << '\n'
             << (options.kind == "monitoring"
                     ? "Next: put it in the place of the old one.\n"
                     : "Next: put it in the place of the old one, then systemctl reload "
                       "nae-agent.\n");
  });
  return kOk;
}

struct RekeyOptions {
  std::string name, out, request, certificate, signature, approval;
  unsigned valid_days = 365;
};
Outcome<ExitCode> rekey(Call& call, const RekeyOptions& options) {
  NAE_ANSWER(std::string name, checked_name(options.name));
  NAE_ASSIGN(std::string certificate, content_of(options.certificate, kMostPemBytes));
  NAE_ASSIGN(std::string signature, content_of(options.signature, kMostPemBytes));
  NAE_ANSWER(auto server, call.server());
  Enrolment wanted;
  wanted.name = name;
  wanted.uri = "nae://device/" + name;
  wanted.path = "/v1/devices/" + name + "/keys";
  wanted.body = {{"certificate", certificate},
                 {"signature", crypto::to_base64(as_bytes(signature))},
                 {"valid_days", options.valid_days}};
  wanted.out = options.out;
  wanted.request = options.request;
  wanted.approval = options.approval;
  NAE_ANSWER(json::object done, enrol(*server, wanted));
  call.show(done, [&] {
    json::value files(done);
    call.out << "Device " << name << " has a second key, good until "
             << local_time_with_zone(shown(files, "not_after")) << ".\n  certificate  "
             << shown(files, "certificate_file") << "\n  authority    "
             << shown(files, "authority_file")
             << "\nNext: put key and certificate in the place of the old ones, systemctl reload "
                "nae-agent,\nand when it works: nae device confirm "
             << name << '\n';
  });
  return kOk;
}

struct ConfirmOptions {
  std::string name, keep;
  bool yes = false;
};
// Of the keys of `name` that are good the one that begins with `prefix`, or the one that came last.
Outcome<std::string> key_to_keep(const json::value& devices, const std::string& name,
                                 const std::string& prefix) {
  std::string keep;
  std::set<std::string> known;
  for (const json::value& device : items(devices, "devices")) {  // in the order of their issue
    const std::string key = shown(device, "key_sha256");
    if (shown(device, "name") != name || !shown(device, "removed_at").empty() ||
        shown(device, "kind") == "monitoring")
      continue;
    if (!prefix.empty() && !key.starts_with(prefix)) continue;
    if (!prefix.empty() && !keep.empty() && keep != key)
      return tl::unexpected<Failure>(
          Error(Code::invalid_argument, "several keys begin with " + prefix, "Give more of it."));
    if (known.insert(key).second) keep = key;
  }
  if (!keep.empty()) return keep;
  return tl::unexpected<Failure>(
      Error(Code::not_found, "no such key of device " + name + " is good", "See nae device list."));
}

Outcome<ExitCode> confirm(Call& call, const ConfirmOptions& options) {
  NAE_ANSWER(std::string name, checked_name(options.name));
  NAE_ANSWER(auto server, call.server());
  NAE_ANSWER(json::value devices, server->call("GET", "/v1/devices"));
  NAE_ANSWER(std::string keep, key_to_keep(devices, name, options.keep));
  NAE_TRY_OUTCOME(
      confirmed(call, options.yes,
                "Device " + name + " keeps the key " + keep.substr(0, kShownDigits) +
                    " alone: certificates of its other one are refused from now on, for "
                    "good and on open connections too."));
  NAE_ANSWER(json::value answer, server->call("POST", "/v1/devices/" + name + "/confirm",
                                              json::object{{"keep", keep}}));
  call.show(answer, [&] {
    call.out << "Device " << name << " has the key " << keep.substr(0, kShownDigits)
             << " alone: certificates of the other one are not accepted any more.\n";
  });
  return kOk;
}

Outcome<ExitCode> list_devices(Call& call, const NoOptions&) {
  NAE_ANSWER(auto server, call.server());
  NAE_ANSWER(json::value answer, server->call("GET", "/v1/devices"));
  call.show(answer, [&] {
    Table table({"NAME", "KIND", zoned("ENROLLED"), "EXPIRES", "REMOVED", "KEY", "SERIAL"});
    for (const json::value& device : items(answer, "devices"))
      table.add({shown(device, "name"), shown(device, "kind"),
                 local_time(shown(device, "issued_at")), local_time(shown(device, "not_after")),
                 local_time(shown(device, "removed_at")),
                 shown(device, "key_sha256").substr(0, kShownDigits), shown(device, "serial")});
    if (table.empty())
      call.out << "No devices yet; enroll one with: nae device enroll NAME --out DIR\n";
    else
      call.print(table, {"SERIAL", "KEY", "ENROLLED"});
  });
  return kOk;
}

struct RemoveOptions {
  std::string name, kind = "device";
  bool yes = false;
};

// What the question before it says.
Outcome<std::string> removal_of(Server& server, const std::string& name, const std::string& kind) {
  NAE_ANSWER(const json::value answer, server.call("GET", "/v1/devices"));
  std::size_t good = 0;
  for (const json::value& device : items(answer, "devices"))
    good += shown(device, "name") == name && shown(device, "removed_at").empty() &&
            (shown(device, "kind") == kind || shown(device, "kind").empty());
  return "Device " + name + " is removed: its certificates (" + std::to_string(good) +
         ") are refused from now on, for good and on open connections too.";
}

Outcome<ExitCode> remove(Call& call, const RemoveOptions& options) {
  NAE_ANSWER(std::string name, checked_name(options.name));
  NAE_ANSWER(auto server, call.server());
  std::string path = "/v1/devices/" + name;
  if (options.kind != "device") path = with_parameters(path, {{"kind", options.kind}});
  if (will_be_asked(call, options.yes)) {
    NAE_ANSWER(const std::string consequence, removal_of(*server, name, options.kind));
    NAE_TRY_OUTCOME(confirmed(call, options.yes, consequence));
  }
  NAE_ANSWER(json::value answer, server->call("DELETE", path));
  call.show(answer, [&] {
    if (options.kind == "monitoring") {
      call.out << "Monitoring " << name
               << " is removed: none of its certificates is accepted any more.\n";
      return;
    }
    call.out << "Device " << name
             << " is removed: none of its certificates is accepted any more.\n"
                "The policy still names it if it did before; what is enrolled as "
             << name << " next gets the same rights.\n";
  });
  return kOk;
}

void add_kind(CLI::App& leaf, std::string& kind) {
  leaf.add_option("--kind", kind,
                  "device, a database host; or monitoring, which reads health and metrics alone")
      ->check(CLI::IsMember({"device", "monitoring"}))
      ->capture_default_str();
}

}  // namespace

void add_device(CLI::App& app, Action& chosen) {
  CLI::App* device = app.add_subcommand(
      "device", "Enroll database hosts, renew their certificates and keys, list and remove them");
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
  add_kind(*enroll_leaf, options->kind);
  add_approval(*enroll_leaf, options->approval);
  add_valid_days(*enroll_leaf, options->valid_days, kMostDays);
  enroll_leaf->fallthrough()->footer(
      "The private key is made here and never sent. Writes NAME.key (mode 0600), NAME.pem and\n"
      "authority.pem, and overwrites nothing. Cut short, the same command goes on. A name whose "
      "certificate is good is enrolled again "
      "only\n"
      "for the same key: make the request on the host and give it by --request; no key is "
      "written.\n\n"
      "Examples:\n"
      "  nae device enroll db1 --out ./db1 --valid-days 90\n"
      "  nae device enroll prometheus --kind monitoring --out ./prometheus\n"
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
  add_kind(*renew_leaf, renewed->kind);
  add_approval(*renew_leaf, renewed->approval);
  add_valid_days(*renew_leaf, renewed->valid_days, kMostDays);
  renew_leaf->fallthrough()->footer(
      "Takes the role operator. The old certificate is good until it expires or the device is\n"
      "removed.\n\n"
      "Examples:\n"
      "  openssl req -new -key /etc/nae/device.key -subj /CN=db1 -out db1.csr   (on the host)\n"
      "  nae device renew db1 --out ./renewed --request db1.csr");

  auto [rekey_leaf, rekeyed] = add_leaf<RekeyOptions>(
      *device, "rekey", "Certify a new key of a host beside the one that it has", chosen, rekey);
  rekey_leaf->add_option("NAME", rekeyed->name, "Name of the device")->required();
  rekey_leaf->add_option("--out", rekeyed->out, "Directory for the new certificate")->required();
  rekey_leaf->add_option("--request", rekeyed->request, "PKCS#10 request (PEM) by the new key")
      ->required();
  rekey_leaf
      ->add_option("--certificate", rekeyed->certificate, "The certificate that the host has (PEM)")
      ->required();
  rekey_leaf
      ->add_option("--signature", rekeyed->signature,
                   "Of the request's file, by the key that the host has")
      ->required();
  add_approval(*rekey_leaf, rekeyed->approval);
  add_valid_days(*rekey_leaf, rekeyed->valid_days, kMostDays);
  rekey_leaf->fallthrough()->footer(
      "Takes the role operator. Both keys are good until one is confirmed, so that nothing stands\n"
      "still. The name belongs to its holder: without the signature of the present key nobody gets "
      "a\nsecond one. Who has lost the key removes the device and enrolls it again.\n\n"
      "Examples:\n"
      "  openssl req -new -key new.key -subj /CN=db1 -out new.csr                       (on the "
      "host)\n"
      "  openssl dgst -sha256 -sign /etc/nae/device.key -out new.sig new.csr            (on the "
      "host)\n"
      "  nae device rekey db1 --out ./new --request new.csr --certificate device.pem --signature "
      "new.sig");

  auto [confirm_leaf, confirmed_options] = add_leaf<ConfirmOptions>(
      *device, "confirm", "End a change of keys: the new key alone is good from now on", chosen,
      confirm);
  confirm_leaf->add_option("NAME", confirmed_options->name, "Name of the device")->required();
  confirm_leaf->add_option("--keep", confirmed_options->keep,
                           "Beginning of the key that stays, as 'nae device list' shows it; "
                           "without it the newer one");
  add_yes(*confirm_leaf, confirmed_options->yes);
  confirm_leaf->fallthrough()->footer(
      "Takes the role operator. At once, on open connections too, and for good. To take a change\n"
      "back, keep the old key.\n\n"
      "Examples:\n"
      "  nae device confirm db1\n"
      "  nae device confirm db1 --keep 3f2a9c0d1b7e5566");

  add_leaf<NoOptions>(*device, "list", "List the certificates issued to devices", chosen,
                      list_devices)
      .first->fallthrough()
      ->footer("Example:\n  nae device list --json");

  auto [remove_leaf, removed] = add_leaf<RemoveOptions>(
      *device, "remove", "Refuse all certificates of a device from now on", chosen, remove);
  remove_leaf->add_option("NAME", removed->name, "Name of the device")->required();
  add_kind(*remove_leaf, removed->kind);
  add_yes(*remove_leaf, removed->yes);
  remove_leaf->fallthrough()->footer(
      "At once, on open connections too, and for good: the host works again only after it is\n"
      "enrolled again. Take the device out of the policy as well if nobody is to get its "
      "rights.\n\n"
      "Example:\n  nae device remove db1");
}

}  // namespace nae::cli

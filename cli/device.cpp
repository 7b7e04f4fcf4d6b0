// nae device enroll | list | remove
#include <ostream>

#include "cli/command.hpp"
#include "cli/table.hpp"
#include "libnae/base/file.hpp"
#include "libnae/crypto/certificate.hpp"

namespace nae::cli {
namespace {

using admin::api::items;
using admin::api::shown;
using Path = std::filesystem::path;

constexpr std::size_t kMaxRequestBytes = 64u << 10;

struct EnrollOptions {
  std::string name, out, request;
  unsigned valid_days = 365;
};

// Before anything is asked of the server: a certificate that cannot be kept must not be issued.
Result<void> prepare_directory(const Path& directory, std::initializer_list<Path> files) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error)
    return fail(Code::file_failed, "cannot create " + directory.string() + ": " + error.message());
  for (const Path& file : files)
    if (std::filesystem::exists(std::filesystem::symlink_status(file, error)))
      return fail(Code::file_failed, file.string() + " exists and is not overwritten",
                  "Choose another directory with --out, or move the file away.");
  return {};
}

// The certificate must be for the key it was asked for and the name we asked for, whoever answered.
Result<crypto::CertificateInfo> checked_certificate(const std::string& pem, const Bytes& spki,
                                                    const std::string& name) {
  NAE_ASSIGN(crypto::CertificateInfo info, crypto::read_certificate(pem));
  if (info.spki != spki || info.uri_names != std::vector{"nae://device/" + name})
    return fail(Code::internal, "the server answered with a certificate for something else");
  return info;
}

// What is asked for: the key is made here, or it stays where its request was made.
struct Wanted {
  Bytes private_key_pem;  // empty: we never had it
  Bytes spki;
  std::string request;
};

Result<Wanted> wanted_by(const EnrollOptions& options) {
  Wanted wanted;
  if (options.request.empty()) {
    NAE_ASSIGN(crypto::KeyPair pair, crypto::generate_p256());
    NAE_ASSIGN(wanted.request, crypto::make_request(pair.private_key_pem, options.name));
    wanted.private_key_pem = std::move(pair.private_key_pem);
    wanted.spki = std::move(pair.spki);
    return wanted;
  }
  NAE_ASSIGN(wanted.request, read_file(options.request, kMaxRequestBytes));
  NAE_ASSIGN(crypto::CertificateRequest request, crypto::read_request(wanted.request));
  wanted.spki = std::move(request.spki);
  return wanted;
}

Outcome<ExitCode> enroll(Call& call, const EnrollOptions& options) {
  NAE_ANSWER(std::string name, checked_name(options.name));
  Path directory(options.out);
  Path key_file = directory / (name + ".key"), certificate_file = directory / (name + ".pem"),
       authority_file = directory / "authority.pem";
  const bool makes_key = options.request.empty();
  NAE_ANSWER(auto server, call.server());
  NAE_ASSIGN(Wanted wanted, wanted_by(options));
  // Beside a key that is there already its renewed certificate may be put, over the old one never.
  if (auto prepared =
          makes_key ? prepare_directory(directory, {key_file, certificate_file, authority_file})
                    : prepare_directory(directory, {certificate_file, authority_file});
      !prepared)
    return tl::unexpected<Failure>(prepared.error());

  NAE_ANSWER(json::value answer, server->call("POST", "/v1/devices",
                                              {{"name", name},
                                               {"request", wanted.request},
                                               {"valid_days", options.valid_days}}));
  std::string certificate = shown(answer, "certificate"), authority = shown(answer, "authority");
  NAE_ASSIGN(crypto::CertificateInfo info, checked_certificate(certificate, wanted.spki, name));
  if (auto read = crypto::read_certificate(authority); !read)
    return tl::unexpected<Failure>(read.error());
  auto write = [](const Path& file, ByteView content, unsigned mode) {
    return write_new_file(file, content, mode);
  };
  Result<void> written;
  if (makes_key) written = write(key_file, wanted.private_key_pem, 0600);
  if (written) written = write(certificate_file, as_bytes(certificate), 0644);
  if (written) written = write(authority_file, as_bytes(authority), 0644);
  if (!written) return tl::unexpected<Failure>(written.error());

  json::object shown_answer{{"name", name},
                            {"serial", info.serial},
                            {"fingerprint", info.fingerprint},
                            {"not_after", shown(answer, "not_after")},
                            {"certificate_file", certificate_file.string()},
                            {"authority_file", authority_file.string()}};
  if (makes_key) shown_answer["key_file"] = key_file.string();
  call.show(shown_answer, [&] {
    call.out << "Device " << name << " is enrolled until " << shown(answer, "not_after") << ".\n"
             << (makes_key
                     ? "  private key  " + key_file.string() + " (keep it on that host alone)\n"
                     : std::string())
             << "  certificate  " << certificate_file.string() << '\n'
             << "  authority    " << authority_file.string() << '\n'
             << "Next: name the files in nae-agent's configuration on " << name
             << ", and the device in the policy.\n";
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
  CLI::App* device = app.add_subcommand("device", "Enroll database hosts, list and remove them");
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
  enroll_leaf->add_option("--valid-days", options->valid_days, "How long the certificate is valid")
      ->check(CLI::Range(1u, 3650u))
      ->capture_default_str();
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

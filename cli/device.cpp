// nae device enroll | list
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

struct EnrollOptions {
  std::string name, out;
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

// The certificate must be for the key we hold and the name we asked for, whoever answered.
Result<crypto::CertificateInfo> checked_certificate(const std::string& pem,
                                                    const crypto::KeyPair& pair,
                                                    const std::string& name) {
  NAE_ASSIGN(crypto::CertificateInfo info, crypto::read_certificate(pem));
  if (info.spki != pair.spki || info.uri_names != std::vector{"nae://device/" + name})
    return fail(Code::internal, "the server answered with a certificate for something else");
  return info;
}

Outcome<ExitCode> enroll(Call& call, const EnrollOptions& options) {
  NAE_ANSWER(std::string name, checked_name(options.name));
  Path directory(options.out);
  Path key_file = directory / (name + ".key"), certificate_file = directory / (name + ".pem"),
       authority_file = directory / "authority.pem";
  NAE_ANSWER(auto server, call.server());
  if (auto prepared = prepare_directory(directory, {key_file, certificate_file, authority_file});
      !prepared)
    return tl::unexpected<Failure>(prepared.error());

  NAE_ASSIGN(crypto::KeyPair pair, crypto::generate_p256());
  NAE_ASSIGN(std::string request, crypto::make_request(pair.private_key_pem, name));
  NAE_ANSWER(
      json::value answer,
      server->call("POST", "/v1/devices",
                   {{"name", name}, {"request", request}, {"valid_days", options.valid_days}}));
  std::string certificate = shown(answer, "certificate"), authority = shown(answer, "authority");
  NAE_ASSIGN(crypto::CertificateInfo info, checked_certificate(certificate, pair, name));
  if (auto read = crypto::read_certificate(authority); !read)
    return tl::unexpected<Failure>(read.error());
  auto write = [](const Path& file, ByteView content, unsigned mode) {
    return write_new_file(file, content, mode);
  };
  Result<void> written = write(key_file, pair.private_key_pem, 0600);
  if (written) written = write(certificate_file, as_bytes(certificate), 0644);
  if (written) written = write(authority_file, as_bytes(authority), 0644);
  if (!written) return tl::unexpected<Failure>(written.error());

  json::object shown_answer{{"name", name},
                            {"serial", info.serial},
                            {"fingerprint", info.fingerprint},
                            {"not_after", shown(answer, "not_after")},
                            {"key_file", key_file.string()},
                            {"certificate_file", certificate_file.string()},
                            {"authority_file", authority_file.string()}};
  call.show(shown_answer, [&] {
    call.out << "Device " << name << " is enrolled until " << shown(answer, "not_after") << ".\n"
             << "  private key  " << key_file.string() << " (keep it on that host alone)\n"
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
    Table table({"NAME", "ENROLLED", "EXPIRES", "SERIAL"});
    for (const json::value& device : items(answer, "devices"))
      table.add({shown(device, "name"), shown(device, "issued_at"), shown(device, "not_after"),
                 shown(device, "serial")});
    if (table.empty())
      call.out << "No devices yet; enroll one with: nae device enroll NAME --out DIR\n";
    else
      table.print(call.out);
  });
  return kOk;
}

}  // namespace

void add_device(CLI::App& app, Action& chosen) {
  CLI::App* device = app.add_subcommand("device", "Enroll database hosts and list them");
  device->require_subcommand(1)->fallthrough();
  device->footer(
      "Enrolling takes the role operator; listing takes operator or auditor.\n\n"
      "Examples:\n"
      "  nae device enroll db1 --out ./db1\n"
      "  nae device list");

  auto [enroll_leaf, options] = add_leaf<EnrollOptions>(
      *device, "enroll", "Make a private key and a certificate for a host", chosen, enroll);
  enroll_leaf->add_option("NAME", options->name, "Name of the device, as policy will call it")
      ->required();
  enroll_leaf->add_option("--out", options->out, "Directory for the three files")->required();
  enroll_leaf->add_option("--valid-days", options->valid_days, "How long the certificate is valid")
      ->check(CLI::Range(1u, 3650u))
      ->capture_default_str();
  enroll_leaf->fallthrough()->footer(
      "The private key is made here and never sent. Writes NAME.key (mode 0600), NAME.pem and\n"
      "authority.pem, and overwrites nothing.\n\n"
      "Example:\n  nae device enroll db1 --out ./db1 --valid-days 90");

  add_leaf<NoOptions>(*device, "list", "List the certificates issued to devices", chosen, list)
      .first->fallthrough()
      ->footer("Example:\n  nae device list --json");
}

}  // namespace nae::cli

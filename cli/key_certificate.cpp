// nae key csr | set-certificate
#include <ostream>

#include "cli/input.hpp"
#include "cli/key_answer.hpp"

namespace nae::cli {
namespace {

using admin::api::shown;

constexpr std::size_t kMaxCertificateFileBytes = 64u << 10;

struct CsrOptions {
  std::string name, subject;
  std::vector<std::string> names;
  unsigned version = 0;
};
Outcome<ExitCode> request_csr(Call& call, const CsrOptions& options) {
  NAE_ANSWER(const std::string name, checked_name(options.name));
  json::object body{{"subject", options.subject},
                    {"names", json::array(options.names.begin(), options.names.end())}};
  if (options.version != 0) body["version"] = options.version;
  NAE_ANSWER(auto server, call.server());
  NAE_ANSWER(const json::value answer, server->call("POST", "/v1/keys/" + name + "/csr", body));
  call.show(answer, [&] { call.out << shown(answer, "request"); });
  return kOk;
}

struct CertificateOptions {
  std::string name, file;
  unsigned remove = 0;
};
Outcome<ExitCode> set_certificate(Call& call, const CertificateOptions& options) {
  NAE_ANSWER(const std::string name, checked_name(options.name));
  if ((options.remove == 0) == options.file.empty())
    return tl::unexpected<Failure>(
        Error(Code::invalid_argument, "name the file of the certificate, or --remove a version's"));
  if (options.remove != 0) {
    NAE_ANSWER(auto server, call.server());
    NAE_ANSWER(const json::value key,
               server->call("DELETE", "/v1/keys/" + name + "/versions/" +
                                          std::to_string(options.remove) + "/certificate"));
    show_key(call, key);
    return kOk;
  }
  NAE_ASSIGN(const std::string pem, content_of(options.file, kMaxCertificateFileBytes));
  NAE_ANSWER(auto server, call.server());
  NAE_ANSWER(const json::value key, server->call("PUT", "/v1/keys/" + name + "/certificate",
                                                 json::object{{"certificate", pem}}));
  show_key(call, key);
  return kOk;
}

}  // namespace

void add_key_certificate(CLI::App& key, Action& chosen) {
  auto [csr_leaf, csr_options] =
      add_leaf<CsrOptions>(key, "csr", "Make a certificate request for a key", chosen, request_csr);
  csr_leaf->add_option("NAME", csr_options->name, "Name of the key")->required();
  csr_leaf->add_option("--subject", csr_options->subject, "/CN=www.example/O=Example")->required();
  csr_leaf->add_option("--san", csr_options->names,
                       "Alternative name: DNS:..., IP:..., URI:..., email:...; repeatable");
  csr_leaf->add_option("--version", csr_options->version, "Of this version; default: the primary")
      ->check(CLI::Range(1u, 65535u));
  csr_leaf->fallthrough()->footer(
      "The HSM signs the request (PKCS#10), so the version must be active. RSA keys sign by\n"
      "rsa-pkcs1-sha256, or the first PKCS#1 scheme that the key allows.\n\n"
      "Example:\n"
      "  nae key csr web --subject /CN=www.example --san DNS:www.example > web.csr");

  auto [leaf, options] = add_leaf<CertificateOptions>(
      key, "set-certificate", "Keep the certificate of a key beside it", chosen, set_certificate);
  leaf->add_option("NAME", options->name, "Name of the key")->required();
  leaf->add_option("FILE", options->file,
                   "PEM: the key's certificate, then those above it; - for standard input");
  leaf->add_option("--remove", options->remove, "Take the certificate of this version away")
      ->check(CLI::Range(1u, 65535u));
  leaf->fallthrough()->footer(
      "It becomes that of the version whose public key it names; what the version had goes.\n"
      "Programs see it beside the key through PKCS#11. Whether to believe it is for them.\n\n"
      "Example:\n"
      "  nae key set-certificate web web.pem");
}

}  // namespace nae::cli

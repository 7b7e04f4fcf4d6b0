#include "cli/enrolment.hpp"

#include <string.h>  // explicit_bzero

#include "libnae/base/file.hpp"
#include "libnae/crypto/certificate.hpp"

namespace nae::cli {
namespace {

using admin::api::shown;
using Path = std::filesystem::path;

constexpr std::size_t kMaxRequestBytes = 64u << 10;

// The files of one enrolment below its directory.
struct Files {
  Path key, certificate, authority;
  explicit Files(const Enrolment& wanted)
      : key(wanted.out / (wanted.name + ".key")),
        certificate(wanted.out / (wanted.name + ".pem")),
        authority(wanted.out / "authority.pem") {}
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
                                                    const std::string& uri) {
  NAE_ASSIGN(crypto::CertificateInfo info, crypto::read_certificate(pem));
  if (info.spki != spki || info.uri_names != std::vector{uri})
    return fail(Code::internal, "the server answered with a certificate for something else");
  return info;
}

// What is asked for: the key is made here, or it is there already, here or where its request is
// from.
struct Asked {
  Bytes new_key_pem;  // empty: none was made
  Bytes spki;
  std::string request;
};

Result<Asked> asked_by(const Enrolment& wanted) {
  Asked asked;
  if (!wanted.request.empty()) {
    NAE_ASSIGN(asked.request, read_file(wanted.request, kMaxRequestBytes));
    NAE_ASSIGN(crypto::CertificateRequest request, crypto::read_request(asked.request));
    asked.spki = std::move(request.spki);
    return asked;
  }
  Path existing = wanted.key;
  if (existing.empty() && !wanted.approval.empty()) existing = Files(wanted).key;
  if (!existing.empty()) {
    NAE_ASSIGN(std::string text, read_file(existing, kMaxRequestBytes));
    Bytes key(text.begin(), text.end());
    ::explicit_bzero(text.data(), text.size());
    NAE_ASSIGN(asked.request, crypto::make_request(key, wanted.name));
    NAE_ASSIGN(asked.spki, crypto::public_key_of(key));
    return asked;
  }
  NAE_ASSIGN(crypto::KeyPair pair, crypto::generate_p256());
  NAE_ASSIGN(asked.request, crypto::make_request(pair.private_key_pem, wanted.name));
  asked.new_key_pem = std::move(pair.private_key_pem);
  asked.spki = std::move(pair.spki);
  return asked;
}

// What was answered to the approved request.
Outcome<json::value> approved_answer(Server& server, const std::string& id) {
  NAE_ANSWER(json::value approval, server.call("GET", "/v1/approvals/" + id));
  std::string state = shown(approval, "state");
  if (state == "done") return approval.at("answer");
  return tl::unexpected<Failure>(
      Failure(Error(Code::conflict, "the request " + id + " is " + state + ", not done",
                    state == "waiting" ? "Another administrator approves it: nae approve " + id
                                       : "Make the request again if it is still wanted."),
              true));
}

}  // namespace

Outcome<json::object> enrol(Server& server, const Enrolment& wanted) {
  Files files(wanted);
  const bool makes_key = wanted.request.empty() && wanted.key.empty() && wanted.approval.empty();
  NAE_ASSIGN(Asked asked, asked_by(wanted));
  // Beside a key that is there already its certificate may be put, over another one never.
  if (auto prepared =
          makes_key ? prepare_directory(wanted.out, {files.key, files.certificate, files.authority})
                    : prepare_directory(wanted.out, {files.certificate, files.authority});
      !prepared)
    return tl::unexpected<Failure>(prepared.error());

  json::object body = wanted.body;
  body["request"] = asked.request;
  auto answer = wanted.approval.empty() ? server.call("POST", wanted.path, body)
                                        : approved_answer(server, wanted.approval);
  bool keep_key = makes_key && (answer || answer.error().waits());
  if (!answer && !keep_key) return tl::unexpected<Failure>(std::move(answer).error());
  if (keep_key)
    if (auto written = write_new_file(files.key, asked.new_key_pem, 0600); !written)
      return tl::unexpected<Failure>(written.error());
  if (!answer) {
    answer.error().then = "then the same command with --approval " +
                          shown(answer.error().waiting, "id") + "; the key is kept in " +
                          files.key.string();
    return tl::unexpected<Failure>(std::move(answer).error());
  }

  std::string certificate = shown(*answer, "certificate"), authority = shown(*answer, "authority");
  NAE_ASSIGN(crypto::CertificateInfo info,
             checked_certificate(certificate, asked.spki, wanted.uri));
  if (auto read = crypto::read_certificate(authority); !read)
    return tl::unexpected<Failure>(read.error());
  Result<void> written = write_new_file(files.certificate, as_bytes(certificate), 0644);
  if (written) written = write_new_file(files.authority, as_bytes(authority), 0644);
  if (!written) return tl::unexpected<Failure>(written.error());

  json::object done{{"name", wanted.name},
                    {"serial", info.serial},
                    {"fingerprint", info.fingerprint},
                    {"not_after", shown(*answer, "not_after")},
                    {"certificate_file", files.certificate.string()},
                    {"authority_file", files.authority.string()}};
  if (makes_key) done["key_file"] = files.key.string();
  return done;
}

void add_valid_days(CLI::App& leaf, unsigned& days, unsigned most) {
  leaf.add_option("--valid-days", days, "How long the certificate is valid")
      ->check(CLI::Range(1u, most))
      ->capture_default_str();
}

void add_approval(CLI::App& leaf, std::string& approval) {
  leaf.add_option("--approval", approval,
                  "Fetch what was approved: the id that the first call printed");
}

}  // namespace nae::cli

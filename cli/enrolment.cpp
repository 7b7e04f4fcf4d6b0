#include "cli/enrolment.hpp"

#include <string.h>  // explicit_bzero

#include "cli/enrolment_files.hpp"
#include "cli/input.hpp"
#include "libnae/crypto/certificate.hpp"

namespace nae::cli {
namespace {

using admin::api::shown;

constexpr std::size_t kMaxRequestBytes = 64u << 10;

// The certificate must be for the key it was asked for and the name we asked for, whoever answered.
Result<crypto::CertificateInfo> checked_certificate(const std::string& pem, const Bytes& spki,
                                                    const std::string& uri) {
  NAE_ASSIGN(crypto::CertificateInfo info, crypto::read_certificate(pem));
  if (info.spki != spki || info.uri_names != std::vector{uri})
    return fail(Code::internal, "the server answered with a certificate for something else");
  return info;
}

// What is asked for: by a key that is elsewhere, one that is given, or the one in the directory.
Result<Asked> asked_by(const Enrolment& wanted, EnrolmentFiles& files, bool may_make_key) {
  if (wanted.request.empty() && wanted.key.empty()) return files.own_key(may_make_key);
  Asked asked;
  if (!wanted.request.empty()) {
    NAE_ASSIGN(asked.request, content_of(wanted.request, kMaxRequestBytes));
    NAE_ASSIGN(crypto::CertificateRequest request, crypto::read_request(asked.request));
    asked.spki = std::move(request.spki);
    return asked;
  }
  NAE_ASSIGN(std::string text, content_of(wanted.key, kMaxRequestBytes));
  Bytes key(text.begin(), text.end());
  ::explicit_bzero(text.data(), text.size());
  NAE_ASSIGN(asked.request, crypto::make_request(key, wanted.name));
  NAE_ASSIGN(asked.spki, crypto::public_key_of(key));
  return asked;
}

// What was answered to the approved request.
Outcome<json::value> approved_answer(Server& server, const std::string& id, EnrolmentFiles& files) {
  NAE_ANSWER(json::value approval, server.call("GET", "/v1/approvals/" + id));
  std::string state = shown(approval, "state");
  if (state == "done") return approval.at("answer");
  if (state != "waiting" && state != "approved") files.wait_no_more();
  return tl::unexpected<Failure>(
      Failure(Error(Code::conflict, "the request " + id + " is " + state + ", not done",
                    state == "waiting" ? "Another administrator approves it: nae approve " + id
                                       : "Repeat the command if it is still wanted."),
              true));
}

// The server has answered that it did not do it: nothing will ever need the key. After anything
// else, silence too, it may have.
bool is_refused(const Failure& failure) {
  return failure.from_server && !failure.waits() && row(failure.error.code).http_status < 500;
}

// What is left to do, and why nothing is lost.
Failure unfinished(Failure failure, EnrolmentFiles& files, const std::string& path, bool own_key) {
  if (failure.waits()) {
    const std::string id = shown(failure.waiting, "id");
    auto noted = files.wait_for(id, path);
    failure.then =
        noted ? "then the same command again" : "then the same command with --approval " + id;
    if (own_key) failure.then += "; the key is kept in " + files.key().string();
  } else if (is_refused(failure)) {
    files.forget_key();
  } else if (own_key) {
    failure.error.hint = std::string(failure.error.hint_or_default()) +
                         " Then repeat the command: the key is kept in " + files.key().string() +
                         ", and is asked for again.";
  }
  return failure;
}

}  // namespace

Outcome<json::object> enrol(Server& server, const Enrolment& wanted) {
  NAE_ASSIGN(EnrolmentFiles files,
             EnrolmentFiles::prepare(wanted.out, wanted.name, server.authority()));
  std::string approval = wanted.approval;
  if (approval.empty()) {
    NAE_ASSIGN(approval, files.waits_for(wanted.path));
  }
  const bool own_key = wanted.request.empty() && wanted.key.empty();
  NAE_ASSIGN(Asked asked, asked_by(wanted, files, approval.empty()));

  json::object body = wanted.body;
  body["request"] = asked.request;
  auto answer = approval.empty() ? server.call("POST", wanted.path, body)
                                 : approved_answer(server, approval, files);
  if (!answer)
    return tl::unexpected<Failure>(
        unfinished(std::move(answer).error(), files, wanted.path, own_key));

  std::string certificate = shown(*answer, "certificate"), authority = shown(*answer, "authority");
  NAE_ASSIGN(crypto::CertificateInfo info,
             checked_certificate(certificate, asked.spki, wanted.uri));
  NAE_TRY(files.write(certificate, authority));

  json::object done{{"name", wanted.name},
                    {"serial", info.serial},
                    {"fingerprint", info.fingerprint},
                    {"not_after", shown(*answer, "not_after")},
                    {"certificate_file", files.certificate().string()},
                    {"authority_file", files.authority().string()}};
  if (own_key) done["key_file"] = files.key().string();
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

// Enrolment: a private key that stays here, and the certificate that the key server issues for it.
#pragma once

#include "cli/command.hpp"

namespace nae::cli {

struct Enrolment {
  std::string name;               // of the certificate's holder
  std::string uri;                // that the certificate must carry: "nae://device/db1"
  std::string path;               // of the call: "/v1/devices"
  json::object body;              // of the call, but for the request
  std::filesystem::path out;      // directory for NAME.key, NAME.pem, authority.pem
  std::filesystem::path request;  // PKCS#10 by a key that is elsewhere; or
  std::filesystem::path key;      // private key that exists; or neither: a key is made
  std::string approval;           // of an earlier call that had to wait for it
};

// What was written, for showing: name, serial, fingerprint, not_after, and the files. When the call
// must wait for approval, the key that was made is kept for the call with `approval`.
Outcome<json::object> enrol(Server& server, const Enrolment& wanted);

// The options that enrolling commands share: --valid-days up to `most`, and --approval.
void add_valid_days(CLI::App& leaf, unsigned& days, unsigned most);
void add_approval(CLI::App& leaf, std::string& approval);

}  // namespace nae::cli

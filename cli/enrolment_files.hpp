// The files of one enrolment. The private key and its request are on the disk before the key server
// is asked, and room for its answer is, so that an enrolment that was cut short at any moment goes
// on when the command is repeated.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "libnae/base/bytes.hpp"
#include "libnae/base/file.hpp"

namespace nae::cli {

// Of a certificate, a request or a signature.
inline constexpr std::size_t kMostPemBytes = 64u << 10;

// What the server is asked with.
struct Asked {
  Bytes spki;
  std::string request;  // PKCS#10, PEM
};

class EnrolmentFiles {
 public:
  // Makes `directory` when it is missing. Code::file_failed when it cannot be written, when it
  // holds a certificate of `name` already, or an authority.pem that is not as `authority`.
  static Result<EnrolmentFiles> prepare(const std::filesystem::path& directory,
                                        const std::string& name,
                                        const std::filesystem::path& authority);

  // By the key NAME.key: the one that an earlier call left, else one that is made now if it
  // `may_make` one. Both the key and the request are kept when this returns.
  Result<Asked> own_key(bool may_make);
  // Takes back what own_key() made, when the server has refused it.
  void forget_key();
  // That the server has the request waits for the approval `id`.
  Result<void> wait_for(const std::string& id, const std::string& path);
  // The approval that an earlier call of `path` waits for; empty when there is none.
  Result<std::string> waits_for(const std::string& path) const;
  // It will never be done.
  void wait_no_more();
  // The server's answer. The private key stays, the request to repeat is removed.
  Result<void> write(const std::string& certificate, const std::string& authority);

  const std::filesystem::path& key() const { return key_; }
  const std::filesystem::path& certificate() const { return certificate_; }
  const std::filesystem::path& authority() const { return authority_; }

 private:
  EnrolmentFiles(const std::filesystem::path& directory, const std::string& name);
  Result<std::string> request_by(ByteView key);

  std::string name_;
  std::filesystem::path key_, request_, certificate_, authority_, approval_;
  bool made_key_ = false, made_request_ = false, own_request_ = false;
  std::vector<NewFile> answers_;  // the certificate, and the authority where there is none yet
};

}  // namespace nae::cli

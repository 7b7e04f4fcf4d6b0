#include "cli/enrolment_files.hpp"

#include <fcntl.h>
#include <string.h>  // explicit_bzero
#include <sys/stat.h>
#include <unistd.h>

#include "libnae/crypto/certificate.hpp"

namespace nae::cli {
namespace {

using Path = std::filesystem::path;

constexpr std::size_t kAnswerRoomBytes = 8u << 10;  // a certificate has about one
constexpr std::size_t kMaxNoteBytes = 1u << 10;

tl::unexpected<Error> taken(const Path& file, std::string hint) {
  return fail(Code::file_failed, file.string() + " exists and is not overwritten", std::move(hint));
}

// A key that somebody else put there would be his way to the name that it is enrolled under.
Result<Bytes> read_own_key(const Path& file) {
  struct stat status {};
  if (::lstat(file.c_str(), &status) != 0 || !S_ISREG(status.st_mode) ||
      status.st_uid != ::geteuid() || (status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    return fail(Code::file_failed,
                file.string() + " is not a private key of yours that others cannot read",
                "It is not overwritten: move it away, or choose another directory with --out.");
  NAE_ASSIGN(std::string text, read_file(file, kMostPemBytes));
  Bytes key(text.begin(), text.end());
  ::explicit_bzero(text.data(), text.size());
  if (auto spki = crypto::public_key_of(key); !spki)
    return taken(file,
                 "It is no private key (P-256, PEM) to go on with: move it away, or choose "
                 "another directory with --out.");
  return key;
}

Result<std::string> fingerprint_of(const Path& file) {
  NAE_ASSIGN(std::string pem, read_file(file, kMostPemBytes));
  NAE_ASSIGN(crypto::CertificateInfo info, crypto::read_certificate(pem));
  return info.fingerprint;
}

bool same_certificate(const Path& one, const Path& other) {
  auto a = fingerprint_of(one), b = fingerprint_of(other);
  return a && b && *a == *b;
}

}  // namespace

EnrolmentFiles::EnrolmentFiles(const Path& directory, const std::string& name)
    : name_(name),
      key_(directory / (name + ".key")),
      request_(directory / (name + ".csr")),
      certificate_(directory / (name + ".pem")),
      authority_(directory / "authority.pem"),
      approval_(directory / (name + ".approval")) {}

Result<EnrolmentFiles> EnrolmentFiles::prepare(const Path& directory, const std::string& name,
                                               const Path& authority) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error)
    return fail(Code::file_failed, "cannot create " + directory.string() + ": " + error.message());
  EnrolmentFiles files(directory, name);
  if (name_is_taken(files.certificate_))
    return taken(files.certificate_, "Choose another directory with --out, or move the file away.");
  const bool keep_authority = name_is_taken(files.authority_);
  if (keep_authority && !same_certificate(files.authority_, authority))
    return taken(files.authority_,
                 "It holds another authority than " + authority.string() +
                     ": choose another directory with --out, or move the file away.");
  // The last one written is the certificate: where it is, all is.
  if (!keep_authority) {
    NAE_ASSIGN(NewFile reserved, NewFile::reserve(files.authority_, 0644, kAnswerRoomBytes));
    files.answers_.push_back(std::move(reserved));
  }
  NAE_ASSIGN(NewFile reserved, NewFile::reserve(files.certificate_, 0644, kAnswerRoomBytes));
  files.answers_.push_back(std::move(reserved));
  return files;
}

Result<Asked> EnrolmentFiles::own_key(bool may_make) {
  Bytes key;
  if (name_is_taken(key_) || !may_make) {
    NAE_ASSIGN(key, read_own_key(key_));
  } else {
    NAE_ASSIGN(crypto::KeyPair pair, crypto::generate_p256());
    NAE_TRY(write_new_file(key_, pair.private_key_pem, 0600));
    made_key_ = true;
    key = std::move(pair.private_key_pem);
  }
  auto request = request_by(key);
  if (!request) {
    forget_key();
    return fail(std::move(request).error());
  }
  own_request_ = true;
  NAE_ASSIGN(Bytes spki, crypto::public_key_of(key));
  return Asked{std::move(spki), *std::move(request)};
}

Result<std::string> EnrolmentFiles::request_by(ByteView key) {
  NAE_ASSIGN(Bytes spki, crypto::public_key_of(key));
  if (name_is_taken(request_)) {
    NAE_ASSIGN(std::string kept, read_file(request_, kMostPemBytes));
    auto read = crypto::read_request(kept);
    if (read && read->spki == spki && read->common_name == name_) return kept;
    return taken(request_, "It is no request for " + name_ + " by " + key_.string() +
                               ": move it away, or choose another directory with --out.");
  }
  NAE_ASSIGN(std::string made, crypto::make_request(key, name_));
  NAE_TRY(write_new_file(request_, as_bytes(made), 0644));
  made_request_ = true;
  return made;
}

void EnrolmentFiles::forget_key() {
  if (std::exchange(made_request_, false)) ::unlink(request_.c_str());
  if (std::exchange(made_key_, false)) ::unlink(key_.c_str());
}

Result<void> EnrolmentFiles::wait_for(const std::string& id, const std::string& path) {
  return replace_file(approval_, as_bytes(id + " " + path + "\n"), 0600);
}

Result<std::string> EnrolmentFiles::waits_for(const std::string& path) const {
  if (!name_is_taken(approval_)) return std::string();
  NAE_ASSIGN(const std::string note, read_file(approval_, kMaxNoteBytes));
  const std::size_t blank = note.find(' ');
  if (blank != std::string::npos && note.substr(blank + 1) == path + "\n")
    return note.substr(0, blank);
  return taken(approval_,
               "It is not of this command: choose another directory with --out, or move "
               "the file away.");
}

void EnrolmentFiles::wait_no_more() {
  ::unlink(approval_.c_str());
}

Result<void> EnrolmentFiles::write(const std::string& certificate, const std::string& authority) {
  NAE_ASSIGN(const crypto::CertificateInfo answered, crypto::read_certificate(authority));
  if (answers_.size() == 2) {
    NAE_TRY(answers_.front().write(as_bytes(authority)));
  } else {
    NAE_ASSIGN(const std::string kept, fingerprint_of(authority_));
    if (kept != answered.fingerprint)
      return taken(authority_,
                   "The server issues by another authority: repeat the command with "
                   "another directory, or move the file away.");
  }
  NAE_TRY(answers_.back().write(as_bytes(certificate)));
  if (own_request_) ::unlink(request_.c_str());
  wait_no_more();
  return {};
}

}  // namespace nae::cli

// Questions to custodians' cards that are not answered yet: who answers one right has the card, and
// its PIN, at this moment. docs/spec/custody.md, "Presence".
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "libnae/custody/presence.hpp"

namespace nae::admin {

// Thread-safe. Nothing is kept: after a restart each card is asked anew.
class Presences {
 public:
  static constexpr std::int64_t kLastsUs = std::int64_t{300} * 1'000'000;
  static constexpr std::size_t kMostQuestions = 256;
  static constexpr std::size_t kMostOfOne = 32;  // of one administrator

  explicit Presences(std::shared_ptr<const custody::CustodySet> custodians)
      : custodians_(std::move(custodians)) {}

  struct Asked {
    std::string id;
    custody::Question question;
  };
  // About the request `approval`, to the card of that public key (SubjectPublicKeyInfo, DER), for
  // the administrator `asker`. A question that he has for the same card and request is void from
  // then on; those that others have are not. `now_us` of a clock that cannot be set.
  // Code::conflict for a card that has no share in the custody file; Code::overloaded when too many
  // wait, of his or of all.
  Result<Asked> ask(const std::string& asker, const std::string& approval,
                    const crypto::Sha256Digest& request, ByteView public_key, std::int64_t now_us);

  // The share record of the card that has answered. A question is answered once, right or wrong.
  // Code::conflict for one that is not there (any more), or about another request;
  // Code::authentication_failed for a wrong answer.
  Result<custody::ShareRecord> answer(const std::string& approval, const std::string& question,
                                      ByteView code, std::int64_t now_us);

 private:
  struct Waiting {
    std::string asker;
    std::string approval;
    crypto::Sha256Digest request{};
    std::size_t share = 0;
    crypto::SecretBytes nonce;
    std::int64_t until_us = 0;
  };
  const std::shared_ptr<const custody::CustodySet> custodians_;
  std::mutex mutex_;
  std::map<std::string, Waiting, std::less<>> waiting_;  // by the question's id
};

}  // namespace nae::admin

// Caller: one open context: who asks, and what policy has answered about them so far.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "keyserver/audit/encode.hpp"
#include "keyserver/keys/key_ring.hpp"
#include "keyserver/policy/policy_book.hpp"
#include "keyserver/policy/subject.hpp"
#include "libnae/base/action.hpp"
#include "libnae/base/asker.hpp"
#include "libnae/base/bytes.hpp"

namespace nae::operations {

// The fields of an audit record that say who asks. Views of the arguments.
audit::Context audit_context(std::string_view device, std::string_view program,
                             const RoleClaims& session);

// What TLS says of a connection.
struct DeviceConnection {
  std::string name;     // of the device, from its certificate
  std::string address;  // where it comes from, without the port; empty when it is unknown
};

// `remote` as net::Connection has it: "192.0.2.1:50312" or "[2001:db8::1]:50312".
std::string address_without_port(std::string_view remote);

// One connection's thread.
class Caller {
 public:
  // `user_token`: a JSON Web Token, a secret; empty: none.
  Caller(const DeviceConnection& device, ProgramAttestation program, RoleClaims session,
         Bytes user_token);

  // Whether the context's token, if it has one, still proves its user: it expires, and a new policy
  // may name other issuers or keys. Code::user_token_rejected when not: nothing is done for a
  // context that was opened in the name of a user who cannot be shown to be there.
  Result<void> prove_user(const policy::PolicyBook& book, std::int64_t now_us);

  // Decides, or answers what was decided since the policy's epoch last moved, for as long as that
  // holds. The reference lives until the next call. `now_us` is Unix time. `ring` says of the key
  // what policy may ask; what it says changes with the epoch.
  const policy::Decision& decide(const policy::PolicyBook& book, const keys::KeyRing& ring,
                                 Action action, std::string_view key, std::int64_t now_us);

  const policy::Subject& subject() const { return subject_; }
  const ProgramAttestation& program() const { return program_; }
  const RoleClaims& claims() const { return claims_; }
  const audit::ContextFragment& fragment() const { return fragment_; }

 private:
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };
  using ByKey = std::unordered_map<std::string, policy::Decision, TextHash, std::equal_to<>>;

  void prove_anew(const policy::PolicyBook& book, std::int64_t now_us);

  policy::Subject subject_;
  ProgramAttestation program_;
  RoleClaims claims_;
  audit::ContextFragment fragment_;
  Bytes user_token_;
  std::uint64_t proven_in_epoch_ = 0;
  std::optional<Error> user_refusal_;  // why the token proves no user, in that epoch
  std::shared_ptr<const policy::Snapshot> snapshot_;
  std::array<ByKey, 16> decided_;  // by action
};

}  // namespace nae::operations

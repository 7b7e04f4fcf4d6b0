// StateDigest: one digest over what two copies of one store must have in common to answer alike:
// keys, policy and devices. docs/spec/wire.md, "State".
#pragma once

#include <mutex>
#include <unordered_map>

#include "keyserver/keys/key_ring.hpp"
#include "keyserver/operations/told_state.hpp"
#include "keyserver/policy/policy_book.hpp"
#include "keyserver/protocols/certificate_register.hpp"

namespace nae::admin {

// Thread-safe. Made once for each change, never for a request: of 100,000 keys it hashes those that
// have changed, and the digests of all.
class StateDigest {
 public:
  StateDigest(const keys::KeyRing& ring, const policy::PolicyBook& policy,
              const protocols::CertificateRegister& devices)
      : ring_(ring), policy_(policy), devices_(devices) {}

  // Of what holds now, into `told`. True when it is another than before.
  bool update(operations::ToldState& told);

 private:
  crypto::Sha256Digest make();

  const keys::KeyRing& ring_;
  const policy::PolicyBook& policy_;
  const protocols::CertificateRegister& devices_;
  std::mutex one_at_a_time_;  // an older digest must not replace a newer one
  struct Known {
    keys::KeyPointer key;  // keys are immutable: another one is another key or a change of it
    std::string digest;
  };
  std::unordered_map<KeyId, Known> known_;
};

}  // namespace nae::admin

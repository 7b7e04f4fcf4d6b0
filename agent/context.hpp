// Context: one (program, role, user) as the agent states it upstream. Equal ones are one object, so
// that all backends of a role share a context number on each connection.
#pragma once

#include <map>
#include <memory>

#include "libnae/base/bytes.hpp"
#include "libnae/crypto/hash.hpp"
#include "libnae/wire/context.hpp"

namespace nae::agent {

struct Context {
  wire::OpenContext open;  // its number is each connection's own
};
using ContextPtr = std::shared_ptr<const Context>;

class ContextRegistry {
 public:
  // What a client claims, with the program that the agent attested; its number does not count.
  ContextPtr intern(wire::OpenContext claimed, const ProgramAttestation& program);
  std::size_t size() const { return contexts_.size(); }

 private:
  void prune();

  // By digest: a key that held the claims themselves would keep users' tokens.
  std::map<crypto::Sha256Digest, std::weak_ptr<const Context>> contexts_;
  std::size_t prune_at_ = 256;
};

}  // namespace nae::agent

// Context: one (program, role) pair as the agent states it upstream. Equal ones are one object, so
// that all backends of a role share a context number on each connection.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "libnae/base/bytes.hpp"
#include "libnae/wire/context.hpp"

namespace nae::agent {

struct Context {
  wire::OpenContext open;  // its number is each connection's own
};
using ContextPtr = std::shared_ptr<const Context>;

class ContextRegistry {
 public:
  ContextPtr intern(wire::RoleClaims role, const wire::ProgramAttestation& program);
  std::size_t size() const { return contexts_.size(); }

 private:
  void prune();

  std::unordered_map<std::string, std::weak_ptr<const Context>> contexts_;
  std::size_t prune_at_ = 256;
};

}  // namespace nae::agent

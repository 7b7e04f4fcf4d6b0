#include "agent/context.hpp"

#include <algorithm>

namespace nae::agent {

ContextPtr ContextRegistry::intern(wire::OpenContext claimed, const ProgramAttestation& program) {
  auto context = std::make_shared<Context>();
  context->open = std::move(claimed);
  context->open.context = 0;
  context->open.program = program;
  Bytes encoded;
  wire::append_open_context(encoded, 0, context->open);
  std::weak_ptr<const Context>& slot = contexts_[crypto::sha256(encoded)];
  if (ContextPtr known = slot.lock()) return known;
  slot = context;
  if (contexts_.size() >= prune_at_) prune();
  return context;
}

// Forgets what nobody holds any more, each time the table has doubled.
void ContextRegistry::prune() {
  std::erase_if(contexts_, [](const auto& entry) { return entry.second.expired(); });
  prune_at_ = std::max<std::size_t>(256, contexts_.size() * 2);
}

}  // namespace nae::agent

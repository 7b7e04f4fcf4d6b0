#include "agent/sent_contexts.hpp"

#include "libnae/wire/context.hpp"
#include "libnae/wire/limits.hpp"

namespace nae::agent {

Result<SentContextPtr> SentContexts::use(const ContextPtr& context, std::uint32_t max_frame_bytes,
                                         Bytes& out) {
  auto found = sent_.find(context);
  if (found != sent_.end()) {
    found->second->last_used = ++uses_;
    return found->second;
  }
  close_departed(out);
  if (sent_.size() >= most_ && !close_one(out))
    return fail(Code::overloaded, std::to_string(most_) + " roles are in use at the same time");
  const std::size_t start = out.size();
  auto sent = std::make_shared<SentContext>();
  sent->context = context;
  if (context->open.user_token.empty()) sent->kept = context;
  sent->number = next_number_++;
  sent->last_used = ++uses_;
  wire::OpenContext open = context->open;
  open.context = sent->number;
  std::uint64_t request_id = kOpenRequest | sent->number;
  wire::append_open_context(out, request_id, open);
  if (out.size() - start - wire::kFrameHeaderBytes > max_frame_bytes) {
    out.resize(start);
    return fail(Code::frame_too_large, "the context does not fit the key server's limit of " +
                                           std::to_string(max_frame_bytes) + " bytes");
  }
  opening_.emplace(request_id, sent);
  sent_.emplace(context, sent);
  return sent;
}

bool SentContexts::close_one(Bytes& out) {
  auto oldest = sent_.end();
  for (auto it = sent_.begin(); it != sent_.end(); ++it)
    if (it->second->outstanding == 0 &&
        (oldest == sent_.end() || it->second->last_used < oldest->second->last_used))
      oldest = it;
  if (oldest == sent_.end()) return false;
  wire::append_close_context(out, oldest->second->number);
  sent_.erase(oldest);
  return true;
}

void SentContexts::close_departed(Bytes& out) {
  std::erase_if(sent_, [&](const auto& entry) {
    const bool departed = entry.first.expired() && entry.second->outstanding == 0;
    if (departed) wire::append_close_context(out, entry.second->number);
    return departed;
  });
}

void SentContexts::opened(std::uint64_t request_id) {
  opening_.erase(request_id);
}

void SentContexts::refused(std::uint64_t request_id, Error error) {
  auto found = opening_.find(request_id);
  if (found == opening_.end()) return;
  found->second->refused = std::move(error);
  forget(*found->second);
  opening_.erase(found);
}

void SentContexts::forget(const SentContext& sent) {
  auto found = sent_.find(sent.context);
  if (found != sent_.end() && found->second.get() == &sent) sent_.erase(found);
}

}  // namespace nae::agent

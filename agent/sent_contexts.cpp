#include "agent/sent_contexts.hpp"

#include <cstring>

#include "libnae/wire/context.hpp"
#include "libnae/wire/limits.hpp"

namespace nae::agent {
namespace {

// Half of what the protocol allows: a server counts a context until it has read its closing.
constexpr std::size_t kMostBytes = wire::kMaxContextBytes / 2;

Result<void> check_token(std::size_t bytes, const wire::HelloReply& agreed) {
  if (bytes <= wire::kMaxUserTokenBytesOfVersion1 || agreed.version >= wire::kVersionWithState)
    return {};
  return fail(Code::user_token_rejected,
              "the key server takes user tokens of at most " +
                  std::to_string(wire::kMaxUserTokenBytesOfVersion1) + " bytes",
              "Update the key server, or issue tokens with fewer claims.");
}

}  // namespace

Result<SentContextPtr> SentContexts::use(const ContextPtr& context, const wire::HelloReply& agreed,
                                         Bytes& out) {
  auto found = sent_.find(context);
  if (found != sent_.end()) {
    found->second->last_used = ++uses_;
    return found->second;
  }
  NAE_TRY(check_token(context->open.user_token.size(), agreed));
  close_departed(out);
  auto sent = std::make_shared<SentContext>();
  sent->context = context;
  if (context->open.user_token.empty()) sent->kept = context;
  sent->number = next_number_++;
  sent->last_used = ++uses_;
  wire::OpenContext open = context->open;
  open.context = sent->number;
  const std::uint64_t request_id = kOpenRequest | sent->number;
  Bytes frame;
  wire::append_open_context(frame, request_id, open);
  if (frame.size() - wire::kFrameHeaderBytes > agreed.limits.max_frame_bytes)
    return fail(Code::frame_too_large, "the context does not fit the key server's limit of " +
                                           std::to_string(agreed.limits.max_frame_bytes) +
                                           " bytes");
  sent->bytes = frame.size();
  NAE_TRY(make_room(sent->bytes, out));
  // Not insert(): it would copy byte by byte under this allocator.
  std::memcpy(ByteWriter(out).reserve(frame.size()).data(), frame.data(), frame.size());
  bytes_ += sent->bytes;
  opening_.emplace(request_id, sent);
  sent_.emplace(context, sent);
  return sent;
}

Result<void> SentContexts::make_room(std::size_t bytes, Bytes& out) {
  while (sent_.size() >= most_)
    if (!close_one(out))
      return fail(Code::overloaded, std::to_string(most_) + " roles are in use at the same time");
  while (bytes_ + bytes > kMostBytes)
    if (!close_one(out))
      return fail(Code::overloaded, "the roles and users in use at the same time take more than " +
                                        std::to_string(kMostBytes) + " bytes");
  return {};
}

bool SentContexts::close_one(Bytes& out) {
  auto oldest = sent_.end();
  for (auto it = sent_.begin(); it != sent_.end(); ++it)
    if (it->second->outstanding == 0 &&
        (oldest == sent_.end() || it->second->last_used < oldest->second->last_used))
      oldest = it;
  if (oldest == sent_.end()) return false;
  wire::append_close_context(out, oldest->second->number);
  bytes_ -= oldest->second->bytes;
  sent_.erase(oldest);
  return true;
}

void SentContexts::close_departed(Bytes& out) {
  std::erase_if(sent_, [&](const auto& entry) {
    const bool departed = entry.first.expired() && entry.second->outstanding == 0;
    if (departed) wire::append_close_context(out, entry.second->number);
    if (departed) bytes_ -= entry.second->bytes;
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
  if (found == sent_.end() || found->second.get() != &sent) return;
  bytes_ -= sent.bytes;
  sent_.erase(found);
}

}  // namespace nae::agent

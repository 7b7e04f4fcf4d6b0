#include "keyserver/protocols/nae1/open_contexts.hpp"

#include <utility>

#include "libnae/wire/limits.hpp"

namespace nae::nae1 {

Result<void> OpenContexts::open(const operations::DeviceConnection& device, wire::OpenContext open,
                                std::size_t frame_bytes, const policy::PolicyBook& book,
                                std::int64_t now_us) {
  const std::uint32_t number = open.context;
  close(number);
  if (!open.program)
    return fail(Code::program_unknown, "the context does not say which program asks");
  if (opened_.size() >= wire::kMaxContexts || bytes_ + frame_bytes > wire::kMaxContextBytes)
    return fail(Code::overloaded, "too many open contexts on one connection");
  auto caller = std::make_shared<operations::Caller>(
      device, *std::move(open.program), std::move(open.role), std::move(open.user_token));
  NAE_TRY(caller->prove_user(book, now_us));
  opened_[number] = {std::move(caller), frame_bytes};
  bytes_ += frame_bytes;
  return {};
}

void OpenContexts::close(std::uint32_t number) {
  auto found = opened_.find(number);
  if (found == opened_.end()) return;
  bytes_ -= found->second.bytes;
  opened_.erase(found);
}

std::shared_ptr<operations::Caller> OpenContexts::find(std::uint32_t number) const {
  auto found = opened_.find(number);
  return found == opened_.end() ? nullptr : found->second.caller;
}

}  // namespace nae::nae1

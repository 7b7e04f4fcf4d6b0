// The contexts that are open on one connection: who asks, by the number that requests quote.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "keyserver/operations/caller.hpp"
#include "libnae/base/result.hpp"
#include "libnae/wire/context.hpp"

namespace nae::nae1 {

class OpenContexts {
 public:
  // A number that is given anew means the new context from then on, or none if that is refused.
  // `frame_bytes` is what the peer sent for it and what it counts for.
  // Code::program_unknown without an attestation, Code::overloaded past the limits of a connection,
  // Code::user_token_rejected when a token proves no user.
  Result<void> open(const operations::DeviceConnection& device, wire::OpenContext open,
                    std::size_t frame_bytes, const policy::PolicyBook& book, std::int64_t now_us);
  void close(std::uint32_t number);
  // nullptr when it is not open.
  std::shared_ptr<operations::Caller> find(std::uint32_t number) const;

 private:
  struct Opened {
    std::shared_ptr<operations::Caller> caller;
    std::size_t bytes = 0;
  };
  std::unordered_map<std::uint32_t, Opened> opened_;
  std::size_t bytes_ = 0;
};

}  // namespace nae::nae1

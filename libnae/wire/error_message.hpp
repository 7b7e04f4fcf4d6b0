// Error: the answer to a whole request that could not be served.
#pragma once

#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"

namespace nae::wire {

struct ErrorMessage {
  Error error;
  std::uint32_t retry_after_ms = 0;  // 0: no advice
};

void append_error(Bytes& out, std::uint64_t request_id, const ErrorMessage& message);
// A code that this build does not know becomes Code::internal, its number kept in the message.
Result<ErrorMessage> parse_error(ByteView body);

}  // namespace nae::wire

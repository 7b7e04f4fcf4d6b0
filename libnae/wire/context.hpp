// OpenContext: on whose behalf the following requests come. The backend claims database and
// roles and passes on the end user's token; the agent adds what it attested about the program; TLS
// proves the device.
#pragma once

#include <optional>

#include "libnae/base/asker.hpp"
#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"

namespace nae::wire {

struct OpenContext {
  std::uint32_t context = 0;  // number that requests on this connection quote; chosen by the asker
  RoleClaims role;
  // A JSON Web Token that proves the end user, as the session gave it; empty: none. Whoever holds
  // it is that user: a secret, wiped with its memory, in no log and no message.
  Bytes user_token;
  std::optional<ProgramAttestation> program;  // absent on the Unix socket, present to the server
};

void append_open_context(Bytes& out, std::uint64_t request_id, const OpenContext& open);
Result<OpenContext> parse_open_context(ByteView body);

// Answer to OpenContext; also the body of CloseContext, which has no answer.
void append_context_opened(Bytes& out, std::uint64_t request_id, std::uint32_t context);
void append_close_context(Bytes& out, std::uint32_t context);
Result<std::uint32_t> parse_context_number(ByteView body);

}  // namespace nae::wire

#include "libnae/wire/frame_rules.hpp"

#include <string>

namespace nae::wire {
namespace {

enum class Sender : std::uint8_t { asker, answerer, both };
enum class When : std::uint8_t { first, first_or_later, later };
// Id 0 is the connection's: an error about a request of that id would end it.
enum class Id : std::uint8_t { any, of_a_request, none };
enum class Body : std::uint8_t { some, empty };

struct FrameRule {
  const char* name;
  Sender sender;
  When when;
  Id id;
  Body body = Body::some;
  std::uint16_t since = kProtocolVersion;
};

// No default: a type without a rule does not compile.
constexpr FrameRule rule_of(FrameType type) {
  switch (type) {
    case FrameType::hello:
      return {"hello", Sender::asker, When::first, Id::any};
    case FrameType::hello_reply:
      return {"hello_reply", Sender::answerer, When::first, Id::any};
    case FrameType::open_context:
      return {"open_context", Sender::asker, When::later, Id::of_a_request};
    case FrameType::context_opened:
      return {"context_opened", Sender::answerer, When::later, Id::any};
    case FrameType::close_context:
      return {"close_context", Sender::asker, When::later, Id::none};
    case FrameType::crypto:
      return {"crypto", Sender::asker, When::later, Id::of_a_request};
    case FrameType::crypto_reply:
      return {"crypto_reply", Sender::answerer, When::later, Id::any};
    case FrameType::error:
      return {"error", Sender::answerer, When::first_or_later, Id::any};
    case FrameType::ping:
      return {"ping", Sender::both, When::later, Id::of_a_request, Body::empty};
    case FrameType::pong:
      return {"pong", Sender::both, When::later, Id::of_a_request, Body::empty};
    case FrameType::epoch:
      return {"epoch", Sender::answerer, When::later, Id::none};
    case FrameType::lookup:
      return {"lookup", Sender::asker, When::later, Id::of_a_request};
    case FrameType::lookup_reply:
      return {"lookup_reply", Sender::answerer, When::later, Id::any};
    case FrameType::state:
      return {"state", Sender::answerer, When::later, Id::none, Body::some, kVersionWithState};
    case FrameType::nodes:
      return {"nodes", Sender::answerer, When::later, Id::none, Body::some, kVersionWithNodes};
  }
  return {};  // parse_frame_header() knows no other
}

bool is_of(Sender sender, Side side) {
  if (sender == Sender::both) return true;
  return (sender == Sender::asker) == (side == Side::asker);
}

bool is_now(When when, Phase phase) {
  if (when == When::first_or_later) return true;
  return (when == When::first) == (phase == Phase::fresh);
}

Error violation(const FrameRule& rule, const char* what) {
  return {Code::protocol_violation, std::string(rule.name) + ": " + what};
}

}  // namespace

Result<void> admit(const Frame& frame, Side sender, Phase phase, std::uint16_t version) {
  const FrameRule rule = rule_of(frame.header.type);
  if (!is_of(rule.sender, sender))
    return fail(violation(rule, "a frame that the other side alone may send"));
  if (!is_now(rule.when, phase))
    return fail(violation(rule, phase == Phase::fresh ? "not the frame to begin with"
                                                      : "a frame to begin with, but not now"));
  if (phase == Phase::greeted && version < rule.since)
    return fail(violation(rule, "not a frame of the agreed version"));
  const bool has_id = frame.header.request_id != 0;
  if (rule.id == Id::of_a_request && !has_id)
    return fail(violation(rule, "a request with the request id 0"));
  if (rule.id == Id::none && has_id)
    return fail(violation(rule, "a request id in a frame that is not answered"));
  if (rule.body == Body::empty && !frame.body.empty())
    return fail(violation(rule, "it has a body"));
  return {};
}

}  // namespace nae::wire

// What must hold of all that an agent says to a key server, whoever asks it and whatever it was
// answered: a malformed frame would cost the connection, and with it the requests of everybody.
#pragma once

#include <map>
#include <set>

#include "libnae/wire/context.hpp"
#include "libnae/wire/crypto_message.hpp"
#include "libnae/wire/frame_rules.hpp"
#include "libnae/wire/hello.hpp"
#include "libnae/wire/lookup.hpp"
#include "tests/fuzz/far_end.hpp"

namespace nae::fuzz {

class ToldServer {
 public:
  explicit ToldServer(const wire::Limits& offered) : offered_(offered) {}

  // `frame` is the next one that the agent has sent on this connection.
  void check(const wire::Frame& frame) {
    const std::uint64_t id = frame.header.request_id;
    if (!std::exchange(greeted_, true)) {
      require(frame.header.type == wire::FrameType::hello);
      auto hello = wire::parse_hello(frame.body);
      require(hello && hello->limits.max_frame_bytes == offered_.max_frame_bytes);
      return;
    }
    require(wire::admit(frame, wire::Side::asker, wire::Phase::greeted).has_value());
    switch (frame.header.type) {
      case wire::FrameType::open_context: {
        auto open = wire::parse_open_context(frame.body);
        require(open && open->program && open->program->name == "postgres");
        require(contexts_.insert(open->context).second);
        break;
      }
      case wire::FrameType::close_context: {
        auto number = wire::parse_context_number(frame.body);
        require(number && contexts_.erase(*number) == 1);
        break;
      }
      case wire::FrameType::crypto: {
        auto request = wire::parse_crypto(frame.body, offered_);
        require(request && contexts_.contains(request->header.context));
        require(id != 0 && ids_.insert(id).second);
        signatures_ += request->header.action == Action::sign;
        break;
      }
      case wire::FrameType::lookup: {
        auto lookup = wire::parse_lookup(frame.body);
        require(lookup && contexts_.contains(lookup->context));
        require(id != 0 && ids_.insert(id).second);
        break;
      }
      default:
        require(frame.header.type == wire::FrameType::ping ||
                frame.header.type == wire::FrameType::pong);
    }
  }
  std::size_t signatures() const { return signatures_; }

 private:
  const wire::Limits offered_;
  bool greeted_ = false;
  std::set<std::uint32_t> contexts_;
  std::set<std::uint64_t> ids_;  // the agent never uses one twice
  std::size_t signatures_ = 0;   // that were asked for
};

}  // namespace nae::fuzz

// Who sends any frames and must be answered as the protocol says: each request once, under its id,
// with what is a whole message; nothing before the greeting; an end only after an error.
#pragma once

#include <map>

#include "libnae/wire/context.hpp"
#include "libnae/wire/crypto_message.hpp"
#include "libnae/wire/error_message.hpp"
#include "libnae/wire/hello.hpp"
#include "libnae/wire/lookup.hpp"
#include "tests/fuzz/far_end.hpp"

namespace nae::fuzz {

class Asker {
 public:
  explicit Asker(const wire::Limits& most) : most_(most) {}

  // Such a frame is sent: one that has to be answered, if it is right.
  void note(wire::FrameType type, std::uint64_t id) {
    using enum wire::FrameType;
    if (type == open_context || type == crypto || type == lookup || type == ping) ++asked_[id];
  }
  // Takes what was answered; `heard` has each frame as well.
  template <class Heard>
  void hear(FarEnd& end, Heard heard) {
    end.frames([&](const wire::Frame& frame) {
      check(frame);
      heard(frame);
    });
    if (end.ended()) require(end.between_frames() && last_is_error_);
  }
  void hear(FarEnd& end) {
    hear(end, [](const wire::Frame&) {});
  }
  // Nothing is left to be answered, unless the connection ended.
  void check_all_answered(const FarEnd& end) const {
    if (end.ended() || !greeted_) return;
    for (const auto& [id, times] : asked_) require(times == 0);
  }
  bool greeted() const { return greeted_; }

 private:
  void check(const wire::Frame& frame) {
    const std::uint64_t id = frame.header.request_id;
    switch (frame.header.type) {
      case wire::FrameType::hello_reply: {
        auto reply = wire::parse_hello_reply(frame.body);
        require(reply && !greeted_ && reply->limits.max_frame_bytes <= most_.max_frame_bytes &&
                reply->limits.max_items <= most_.max_items);
        greeted_ = true;
        return;
      }
      case wire::FrameType::epoch:
        return require(greeted_ && wire::parse_epoch(frame.body).has_value());
      case wire::FrameType::state:
        return require(greeted_ && wire::parse_state(frame.body).has_value());
      case wire::FrameType::error: {
        auto message = wire::parse_error(frame.body);
        require(message.has_value());
        require_refusal(message->error);
        // It answers a request, or it is the last word.
        if (greeted_ && asked_[id] > 0) --asked_[id];
        last_is_error_ = true;
        return;
      }
      case wire::FrameType::crypto_reply:
        require(wire::parse_crypto_reply(frame.body).has_value());
        break;
      case wire::FrameType::lookup_reply:
        require(wire::parse_lookup_reply(frame.body).has_value());
        break;
      case wire::FrameType::context_opened:
        require(wire::parse_context_number(frame.body).has_value());
        break;
      default:
        require(frame.header.type == wire::FrameType::pong);
    }
    require(greeted_ && asked_[id]-- > 0);
    last_is_error_ = false;
  }

  const wire::Limits most_;
  std::map<std::uint64_t, int> asked_;
  bool greeted_ = false, last_is_error_ = false;
};

}  // namespace nae::fuzz

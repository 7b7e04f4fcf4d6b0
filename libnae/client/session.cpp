#include "libnae/client/session.hpp"

#include <utility>

#include "libnae/wire/frame_rules.hpp"

namespace nae::client {

using wire::FrameType;

namespace {
constexpr std::size_t kKeepBytes = 256u << 10;
}  // namespace

Session::Session(std::string software, const wire::Limits& limits)
    : assembler_(wire::max_reply_bytes(limits)), limits_(limits) {
  wire::Hello hello;
  hello.limits = limits;
  hello.software = std::move(software);
  wire::append_hello(output_, next_id_++, hello);
}

void Session::sent(std::size_t bytes) {
  output_sent_ += bytes;
  if (output_sent_ != output_.size()) return;
  output_sent_ = 0;
  // One large request must not cost its memory as long as the connection lives.
  if (output_.capacity() > kKeepBytes)
    Bytes().swap(output_);
  else
    output_.clear();
}

Result<std::optional<wire::Frame>> Session::next_reply() {
  for (;;) {
    NAE_ASSIGN(std::optional<wire::Frame> frame, assembler_.next());
    if (!frame) return std::optional<wire::Frame>{};
    FrameType type = frame->header.type;
    NAE_TRY(wire::admit(*frame, wire::Side::answerer,
                        server_ ? wire::Phase::greeted : wire::Phase::fresh));
    if (!server_) {
      if (auto error = as_error(*frame)) return fail(error->error);
      NAE_ASSIGN(wire::HelloReply reply, wire::parse_hello_reply(frame->body));
      if (reply.version != wire::kProtocolVersion)
        return fail(Code::unsupported_version, "the agent answered with a version not offered");
      limits_ = reply.limits;
      epoch_ = reply.epoch;
      server_ = std::move(reply);
      continue;
    }
    switch (type) {
      case FrameType::epoch: {
        NAE_ASSIGN(epoch_, wire::parse_epoch(frame->body));
        continue;
      }
      case FrameType::ping:
        wire::append_empty_frame(output_, FrameType::pong, frame->header.request_id);
        continue;
      default:
        return frame;
    }
  }
}

std::uint64_t Session::open_context(const wire::OpenContext& open) {
  wire::append_open_context(output_, next_id_, open);
  return next_id_++;
}

Result<std::uint64_t> Session::crypto(const wire::CryptoRequest& request) {
  if (request.items.size() > limits_.max_items)
    return fail(Code::too_many_items, std::to_string(request.items.size()) +
                                          " items in one request; the limit is " +
                                          std::to_string(limits_.max_items));
  std::size_t body = wire::crypto_frame_bytes(request) - wire::kFrameHeaderBytes;
  if (body > limits_.max_frame_bytes)
    return fail(Code::frame_too_large, "request of " + std::to_string(body) +
                                           " bytes; the limit is " +
                                           std::to_string(limits_.max_frame_bytes));
  wire::append_crypto(output_, next_id_, request);
  return next_id_++;
}

std::uint64_t Session::lookup(const wire::Lookup& lookup) {
  wire::append_lookup(output_, next_id_, lookup);
  return next_id_++;
}

std::optional<wire::ErrorMessage> as_error(const wire::Frame& frame) {
  if (frame.header.type != FrameType::error) return std::nullopt;
  auto message = wire::parse_error(frame.body);
  if (!message) return wire::ErrorMessage{std::move(message).error(), 0};
  return *message;
}

}  // namespace nae::client

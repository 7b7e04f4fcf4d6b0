// Between frames of nae/1 and the values of operations: what a crypto frame asks, and the frame
// that answers.
#pragma once

#include <optional>
#include <vector>

#include "keyserver/operations/answer.hpp"
#include "keyserver/operations/crypto_request.hpp"
#include "libnae/wire/crypto_message.hpp"

namespace nae::nae1 {

// What the head of a frame says, without the items.
operations::CryptoRequest request_of(const wire::CryptoHeader& header, std::uint32_t items);

// A crypto request and the views it is made of. Keeps its memory from one set() to the next.
class RequestViews {
 public:
  // Views of the frame's body.
  void set(const wire::CryptoRequestView& view);
  // Views of `copy` from now on, which has the bytes that `body` had.
  void move_to(ByteView body, ByteView copy);
  const operations::CryptoRequest& request() const { return request_; }
  // Beside the frame's body.
  std::size_t bytes() const {
    return (items_.size() + seconds_.size() + aad_.size()) * sizeof(ByteView);
  }
  // Gives back what one large request took.
  void give_back();

 private:
  void point();

  operations::CryptoRequest request_;
  std::vector<ByteView> items_, seconds_, aad_;
};

// Writes CryptoReply, or Error in its place, at the end of `out`.
class ReplyFrame final : public operations::Answer {
 public:
  ReplyFrame(Bytes& out, std::uint64_t request_id, const wire::Limits& limits)
      : out_(out), request_id_(request_id), limits_(limits), start_(out.size()) {}

  void begin(std::uint32_t items, std::size_t data_bytes_hint) override;
  ByteSpan begin_item(std::size_t max_bytes) override { return writer_->begin_item(max_bytes); }
  void finish_item(policy::Verdict shown, std::size_t used_bytes) override;
  void fail_item(Code code) override { writer_->fail_item(code); }
  Result<void> finish() override;
  void discard() override;
  void refuse(const Error& error, std::uint32_t retry_after_ms) override;

 private:
  Bytes& out_;
  const std::uint64_t request_id_;
  const wire::Limits& limits_;  // of the connection
  const std::size_t start_;
  std::optional<wire::CryptoReplyWriter> writer_;
};

}  // namespace nae::nae1

// HttpSession: HTTP/1.1 on one connection (RFC 9112), bytes in, bytes out. One request at a time:
// a pipelined one waits unread until the answer before it is given.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "keyserver/protocols/http/http_message.hpp"
#include "libnae/base/bytes.hpp"

namespace nae::http {

struct HttpLimits {
  std::size_t header_bytes = 8u << 10;  // request line and fields; below the 16 KiB of input
  std::size_t body_bytes = 1u << 20;
  // From a request's first byte to its last: a client that sends a byte now and then is not idle,
  // but keeps a connection for ever.
  std::chrono::milliseconds request_timeout{15'000};
  std::chrono::milliseconds idle_timeout{60'000};  // between requests
};

class HttpSession {
 public:
  using OnRequest = std::function<void(HttpRequest&&)>;

  // `on_request` does not answer before it returns.
  HttpSession(OnRequest on_request, HttpLimits limits);
  ~HttpSession();

  // Where the next bytes are read to; never empty while no request waits.
  ByteSpan space();
  // `bytes` came into that space; answers that need no handler are appended to `out`. False: the
  // connection ends when `out` is sent.
  bool received(std::size_t bytes, Bytes& out);
  // The answer to the request that waits. False as above.
  bool answer(const HttpResponse& response, Bytes& out);

  bool waiting() const { return waiting_; }
  // A request has begun and is not complete.
  bool reading() const { return !waiting_ && parser_ != nullptr; }
  // Answers 408: it took too long. The connection ends when `out` is sent.
  void expire(Bytes& out);
  // From now on every answer is the last.
  void stop() { stopping_ = true; }

 private:
  struct Parser;

  bool parse(Bytes& out);
  bool refuse(const Error& error, unsigned http_status, Bytes& out);
  void write(const HttpResponse& response, bool keep, Bytes& out) const;

  OnRequest on_request_;
  HttpLimits limits_;
  std::unique_ptr<Parser> parser_;  // of the request being read
  Bytes input_;
  std::size_t filled_ = 0;  // how much of `input_` was read and not yet parsed
  bool keep_alive_ = true;
  bool is_head_ = false;  // an answer to HEAD has no body
  bool waiting_ = false;
  bool stopping_ = false;
};

}  // namespace nae::http

// The half of an exchange that speaks with the application.
#include <spdlog/spdlog.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>

#include "gateway/batch.hpp"
#include "gateway/exchange.hpp"
#include "gateway/outgoing.hpp"
#include "libnae/base/log_text.hpp"

namespace nae::gateway {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::awaitable;
using ErrorCode = boost::system::error_code;

constexpr std::size_t kStreamBytes = 64 << 10;
constexpr std::size_t kStreamBytesOfUnknown = 16 << 10;
constexpr std::uint32_t kMaxAnswerHeaderBytes = 64 << 10;

// Where a body is on its way through: no larger than it is, and not cleared, which would cost a
// small request more than all the rest.
class StreamSpace {
 public:
  explicit StreamSpace(const boost::optional<std::uint64_t>& length)
      : size_(length ? static_cast<std::size_t>(std::min<std::uint64_t>(*length, kStreamBytes))
                     : kStreamBytesOfUnknown),
        bytes_(std::make_unique_for_overwrite<Byte[]>(size_)) {}

  // Of `body`, which reads into it next.
  void offer_to(http::buffer_body::value_type& body) {
    body.data = bytes_.get();
    body.size = size_;
  }
  std::size_t taken(const http::buffer_body::value_type& body) const { return size_ - body.size; }
  asio::const_buffer first(std::size_t size) const { return {bytes_.get(), size}; }

 private:
  std::size_t size_;
  std::unique_ptr<Byte[]> bytes_;
};

Refusal refusal_of_upstream(const ErrorCode& error) {
  if (error == beast::error::timeout)
    return {504, "upstream_timeout", "the application did not answer in time", 0};
  return {502, "upstream_failed", "the application did not answer", 0};
}

bool is_end(const ErrorCode& error) {
  return error == http::error::end_of_stream || error == asio::error::eof ||
         error == asio::error::connection_reset || error == asio::error::broken_pipe ||
         error == asio::ssl::error::stream_truncated;
}

bool is_json(const http::response_header<>& header) {
  const std::string_view type(header[http::field::content_type].data(),
                              header[http::field::content_type].size());
  const std::string_view essence = type.substr(0, type.find(';'));
  return equal_ignoring_case(essence, "application/json") ||
         (essence.size() > 5 && equal_ignoring_case(essence.substr(essence.size() - 5), "+json"));
}

}  // namespace

http::request_header<> Exchange::upstream_header() const {
  http::request_header<> out;
  out.version(11);
  out.method_string(header_.method_string());
  if (rewritten_)
    out.target(rewritten_->target);
  else
    out.target(header_.target());
  for (std::size_t i = 0; i < headers_.size(); ++i) {
    const auto& [name, value] = headers_[i];
    std::string_view own = rewritten_ ? std::string_view(rewritten_->header_values[i]) : value;
    // A browser sends along where it was, and a query there has its values in clear.
    if (settings_->config.routes.look_into_query() &&
        equal_ignoring_case(folded_header(name), "referer"))
      own = own.substr(0, own.find('?'));
    out.insert(name, own);
  }
  if (out[http::field::host].empty())
    out.set(http::field::host, net::to_string(settings_->config.upstream.address));
  add_forwarded(out, header_, client_, id_);
  if (route_ && !route_->answers.empty()) {
    // Parts of an answer, and what is compressed, could not be looked into.
    out.erase(http::field::range);
    out.erase(http::field::if_range);
    out.set(http::field::accept_encoding, "identity");
  }
  return out;
}

// A kept connection turned out to be closed before a byte of an answer. Only what may be done
// twice; what takes its time is under way.
bool Exchange::may_ask_again(const Upstream& upstream) const {
  switch (header_.method()) {
    case http::verb::get:
    case http::verb::head:
    case http::verb::options:
    case http::verb::put:
    case http::verb::delete_:
      return upstream.is_reused && was_dead_ && (route_ || !has_body_);
    default:
      return false;
  }
}

awaitable<Exchange::Settled> Exchange::forward() {
  const Config& config = settings_->config;
  for (bool fresh = false;; fresh = true) {
    auto taken = co_await worker_.upstream.take(config, settings_->upstream_tls, fresh);
    if (!taken) {
      ++worker_.metrics.upstream_failures;
      spdlog::warn("event=upstream_unavailable id={} code={} reason={}", id_,
                   name(taken.error().code), quoted_text(taken.error().message));
      co_return refuse(502, "upstream_unavailable", "the application cannot be reached");
    }
    std::unique_ptr<Upstream> upstream = *std::move(taken);
    Settled done = co_await send_request(*upstream);
    if (!done) co_return done;
    done = co_await read_answer_header(*upstream);
    if (!done && may_ask_again(*upstream)) continue;
    if (done) done = co_await relay_answer(*upstream);
    if (!done) {
      ++worker_.metrics.upstream_failures;
      spdlog::warn("event=upstream_failed id={} reason={}", id_, done.error().name);
      co_return done;
    }
    const bool is_whole = !has_body_ || is_body_read_;
    if (answer_ == std::nullopt && is_whole && upstream->buffer.size() == 0)
      worker_.upstream.put_back(std::move(upstream), config.limits.idle_upstream_connections);
    co_return done;
  }
}

awaitable<Exchange::Settled> Exchange::send_request(Upstream& upstream) {
  if (!route_ && has_body_) {
    Settled streamed = co_await stream_request(upstream);
    co_return streamed;
  }
  http::request<http::empty_body> message(upstream_header());
  const Bytes& body = rewritten_ ? rewritten_->body : body_;
  if (has_body_ || !header_[http::field::content_length].empty())
    message.content_length(body.size());
  Outgoing outgoing(message, false);
  ErrorCode error;
  upstream.channel.expires_after(settings_->config.limits.upstream_timeout);
  co_await asio::async_write(upstream.channel, outgoing.next(asio::buffer(body), false),
                             asio::redirect_error(asio::use_awaitable, error));
  co_return Settled();  // one that takes no more may have said why
}

awaitable<Exchange::Settled> Exchange::stream_request(Upstream& upstream) {
  http::request<http::empty_body> message(upstream_header());
  const bool is_chunked = !parser_->content_length();
  if (is_chunked)
    message.chunked(true);
  else
    message.content_length(*parser_->content_length());
  co_await continue_client();
  Outgoing outgoing(message, is_chunked);
  http::request_parser<http::buffer_body> reader(std::move(*parser_));
  reader.body_limit(boost::none);
  const auto& limits = settings_->config.limits;
  ErrorCode error;
  StreamSpace space(reader.content_length());
  // What is here already leaves together with the header.
  if (buffer_.size() == 0) {
    upstream.channel.expires_after(limits.upstream_timeout);
    co_await asio::async_write(upstream.channel, outgoing.next({}, true),
                               asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return Settled();
  }
  while (!reader.is_done()) {
    space.offer_to(reader.get().body());
    channel_.expires_after(limits.body_timeout);
    bytes_in_ += co_await http::async_read_some(channel_, buffer_, reader,
                                                asio::redirect_error(asio::use_awaitable, error));
    if (error == http::error::need_buffer) error = {};
    if (error) co_return tl::unexpected(Refusal{499, "client_gone", "the client has left", 0});
    const std::size_t got = space.taken(reader.get().body());
    const bool more = !reader.is_done();
    if (got == 0 && more) continue;
    upstream.channel.expires_after(limits.upstream_timeout);
    co_await asio::async_write(upstream.channel, outgoing.next(space.first(got), more),
                               asio::redirect_error(asio::use_awaitable, error));
    // It may have answered before it had read all.
    if (more && error) co_return Settled();
  }
  is_body_read_ = true;
  co_return Settled();
}

awaitable<Exchange::Settled> Exchange::read_answer_header(Upstream& upstream) {
  for (bool is_interim_answered = false;; is_interim_answered = true) {
    answer_.emplace();
    answer_->header_limit(kMaxAnswerHeaderBytes);
    answer_->body_limit(boost::none);
    if (header_.method() == http::verb::head) answer_->skip(true);
    ErrorCode error;
    upstream.channel.expires_after(settings_->config.limits.upstream_timeout);
    co_await http::async_read_header(upstream.channel, upstream.buffer, *answer_,
                                     asio::redirect_error(asio::use_awaitable, error));
    was_dead_ = is_end(error) && upstream.buffer.size() == 0 && !is_interim_answered;
    if (error) co_return tl::unexpected(refusal_of_upstream(error));
    const unsigned status = answer_->get().result_int();
    if (status == 101)
      co_return refuse(502, "upstream_failed", "the application changed the protocol unasked");
    if (status >= 200) co_return Settled();
  }
}

bool Exchange::shows(const http::response_header<>& header) const {
  const auto encoding = header[http::field::content_encoding];
  return route_ && !route_->answers.empty() && is_json(header) &&
         (encoding.empty() || beast::iequals(encoding, "identity")) &&
         header_.method() != http::verb::head && header.result_int() != 206;
}

// Framing is this connection's own.
void Exchange::finish_answer_header(http::response_header<>& header, bool has_body) const {
  if (header["X-Request-Id"].empty()) header.set("X-Request-Id", id_);
  const auto length = answer_->get()[http::field::content_length];
  // Of what has none it is said as it was: HEAD, and 304.
  if (!has_body && !length.empty()) header.set(http::field::content_length, length);
}

awaitable<Exchange::Settled> Exchange::relay_answer(Upstream& upstream) {
  http::response_header<> header;
  header.version(11);
  header.result(answer_->get().result_int());
  header.reason(answer_->get().reason());
  for (const auto& [name, value] : end_to_end(answer_->get())) header.insert(name, value);
  finish_answer_header(header, !answer_->is_done());
  keeps_alive_ =
      keeps_alive_ && header_.version() == 11 && (!has_body_ || is_body_read_) && !worker_.draining;
  Settled done;
  if (!answer_->is_done() && shows(header))
    done = co_await show_answer(upstream, std::move(header));
  else
    done = co_await stream_answer(upstream, std::move(header));
  co_return done;
}

awaitable<Exchange::Settled> Exchange::stream_answer(Upstream& upstream,
                                                     http::response_header<> header) {
  const auto& limits = settings_->config.limits;
  const bool has_body = !answer_->is_done();
  const auto length = answer_->content_length();
  const bool is_chunked = has_body && !length && header_.version() == 11;
  http::response<http::empty_body> message(std::move(header));
  if (has_body && length) message.content_length(*length);
  if (is_chunked) message.chunked(true);
  if (has_body && !length && !is_chunked) keeps_alive_ = false;  // its end is the connection's
  message.keep_alive(keeps_alive_);
  const bool may_be_kept = answer_->keep_alive();
  Outgoing outgoing(message, is_chunked);
  http::response_parser<http::buffer_body> reader(std::move(*answer_));
  reader.body_limit(boost::none);
  ErrorCode error;
  status_ = message.result_int();
  is_answered_ = true;
  StreamSpace space(has_body ? reader.content_length() : 0);
  // What is here already leaves together with the header.
  if (!has_body || upstream.buffer.size() == 0) {
    channel_.expires_after(limits.body_timeout);
    bytes_out_ += co_await asio::async_write(channel_, outgoing.next({}, has_body),
                                             asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return tl::unexpected(Refusal{499, "client_gone", "the client has left", 0});
  }
  while (!reader.is_done()) {
    space.offer_to(reader.get().body());
    upstream.channel.expires_after(limits.upstream_timeout);
    co_await http::async_read_some(upstream.channel, upstream.buffer, reader,
                                   asio::redirect_error(asio::use_awaitable, error));
    if (error == http::error::need_buffer) error = {};
    // What was promised did not come: the client sees its connection cut.
    if (error) co_return tl::unexpected(refusal_of_upstream(error));
    const std::size_t got = space.taken(reader.get().body());
    const bool more = !reader.is_done();
    if (got == 0 && more) continue;
    channel_.expires_after(limits.body_timeout);
    bytes_out_ += co_await asio::async_write(channel_, outgoing.next(space.first(got), more),
                                             asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return tl::unexpected(Refusal{499, "client_gone", "the client has left", 0});
  }
  if (may_be_kept) answer_.reset();  // read to its end: the connection may be kept
  co_return Settled();
}

awaitable<Understood<Bytes>> Exchange::opened(Bytes body, bool& changed) {
  const std::vector<AnswerFinding> findings = inspect_answer(*route_, as_text(body));
  changed = !findings.empty();
  if (findings.empty()) co_return std::move(body);
  const DecryptBatch batch(findings);
  const Asker on_behalf = asker();
  auto replies = co_await worker_.agent.ask(on_behalf, batch.questions(),
                                            settings_->config.limits.agent_timeout);
  ++worker_.metrics.batches;
  shown_ = findings.size();
  worker_.metrics.values_shown += shown_;
  auto texts = replies ? batch.texts(*replies) : batch.texts(replies.error());
  if (!replies && row(replies.error().code).retryable) ++worker_.metrics.agent_failures;
  // What was done must not be done once more because its answer could not be shown.
  if (!texts && texts.error().retry_after_s > 0 && header_.method() != http::verb::get)
    co_return refuse(502, "answer_not_shown",
                     "the application has answered, and its answer cannot be shown now");
  if (!texts) co_return tl::unexpected(texts.error());
  co_return rewrite_answer(as_text(body), findings, *texts);
}

awaitable<Exchange::Settled> Exchange::show_answer(Upstream& upstream,
                                                   http::response_header<> header) {
  const auto& limits = settings_->config.limits;
  const bool may_be_kept = answer_->keep_alive();
  http::response_parser<WipedBody> reader(std::move(*answer_));
  reader.body_limit(limits.max_answer_bytes);
  ErrorCode error;
  upstream.channel.expires_after(limits.upstream_timeout);
  if (reader.content_length() && *reader.content_length() > limits.max_answer_bytes)
    error = http::error::body_limit;
  else
    co_await http::async_read(upstream.channel, upstream.buffer, reader,
                              asio::redirect_error(asio::use_awaitable, error));
  if (error == http::error::body_limit)
    co_return refuse(502, "answer_too_large", "the application's answer is too large to be shown");
  if (error) co_return tl::unexpected(refusal_of_upstream(error));
  bool changed = false;
  auto body = co_await opened(std::move(reader.get().body()), changed);
  if (!body) co_return tl::unexpected(body.error());
  http::response<WipedBody> message(std::move(header));
  if (changed) {
    // What is about other bytes, and what lets a cache keep these whatever Cache-Control says.
    for (const char* name : {"ETag", "Content-MD5", "Digest", "Content-Digest", "Expires",
                             "X-Accel-Expires", "Surrogate-Control", "CDN-Cache-Control"})
      message.erase(name);
    message.set(http::field::cache_control, "private, no-store");
  }
  message.body() = *std::move(body);
  message.content_length(message.body().size());
  message.keep_alive(keeps_alive_);
  status_ = message.result_int();
  is_answered_ = true;
  channel_.expires_after(limits.body_timeout);
  bytes_out_ += co_await http::async_write(channel_, message,
                                           asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return tl::unexpected(Refusal{499, "client_gone", "the client has left", 0});
  if (may_be_kept) answer_.reset();
  co_return Settled();
}

}  // namespace nae::gateway

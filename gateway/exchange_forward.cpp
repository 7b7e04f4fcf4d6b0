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
#include "gateway/tunnel.hpp"
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
  const std::string_view type = text_of(header[http::field::content_type]);
  const std::string_view essence = type.substr(0, type.find(';'));
  return equal_ignoring_case(essence, "application/json") ||
         (essence.size() > 5 && equal_ignoring_case(essence.substr(essence.size() - 5), "+json"));
}

void add_upgrade(HeaderText& header, const Route& route) {
  header.add("Connection", "Upgrade");
  header.add("Upgrade", route.upgrade);
}

}  // namespace

HeaderText Exchange::upstream_header() const {
  HeaderText out =
      HeaderText::of_request(text_of(header_.method_string()),
                             rewritten_ ? rewritten_->target : text_of(header_.target()));
  // Parts of an answer, and what is compressed, could not be looked into.
  const bool looks_into_answer = route_ && !route_->answers.empty();
  constexpr std::string_view kOfAnswer[] = {"range", "if-range", "accept-encoding"};
  bool has_host = false;
  for (std::size_t i = 0; i < headers_.size(); ++i) {
    const std::string_view name = headers_[i].first, value = headers_[i].second;
    if (says_what_gateway_says(name)) continue;
    if (route_ && has_body_ && is_digest(name)) continue;
    if (looks_into_answer && std::ranges::any_of(kOfAnswer, [&](std::string_view each) {
          return equal_ignoring_case(each, name);
        }))
      continue;
    std::string_view own = rewritten_ ? std::string_view(rewritten_->header_values[i]) : value;
    // A browser sends along where it was, and a query there has its values in clear.
    if (settings_->config.routes.look_into_query() && is_header(name, "referer"))
      own = own.substr(0, own.find('?'));
    const bool is_host = equal_ignoring_case(name, "host");
    if (is_host && own.empty()) continue;
    has_host = has_host || is_host;
    out.add(name, own);
  }
  if (!has_host) out.add("Host", net::to_string(settings_->config.upstream.address));
  if (looks_into_answer) out.add("Accept-Encoding", "identity");
  add_forwarded(out, header_, client_, id_);
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
    upstream_ = &upstream->channel;
    Settled done = co_await send_request(*upstream);
    if (done) done = co_await read_answer_header(*upstream);
    const bool asks_again = !done && may_ask_again(*upstream);
    if (done) done = co_await relay_answer(*upstream);
    upstream_ = nullptr;
    if (asks_again) continue;
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
  HeaderText header = upstream_header();
  const Bytes& body = rewritten_ ? rewritten_->body : body_;
  if (has_body_ || !header_[http::field::content_length].empty())
    header.add("Content-Length", body.size());
  if (asks_for_upgrade_) add_upgrade(header, *route_);
  Outgoing outgoing(std::move(header).finish(), false);
  ErrorCode error;
  const auto limit = upstream.channel.limited_to(settings_->config.limits.upstream_timeout);
  co_await asio::async_write(upstream.channel, outgoing.next(asio::buffer(body), false),
                             asio::redirect_error(asio::use_awaitable, error));
  co_return Settled();  // one that takes no more may have said why
}

awaitable<Exchange::Settled> Exchange::stream_request(Upstream& upstream) {
  HeaderText header = upstream_header();
  const bool is_chunked = !parser_->content_length();
  if (is_chunked)
    header.add("Transfer-Encoding", "chunked");
  else
    header.add("Content-Length", *parser_->content_length());
  co_await continue_client();
  Outgoing outgoing(std::move(header).finish(), is_chunked);
  http::request_parser<http::buffer_body> reader(std::move(*parser_));
  reader.body_limit(boost::none);
  const auto& limits = settings_->config.limits;
  ErrorCode error;
  StreamSpace space(reader.content_length());
  // What is here already leaves together with the header.
  if (buffer_.size() == 0) {
    const auto limit = upstream.channel.limited_to(limits.upstream_timeout);
    co_await asio::async_write(upstream.channel, outgoing.next({}, true),
                               asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return Settled();
  }
  while (!reader.is_done()) {
    space.offer_to(reader.get().body());
    {
      const auto limit = channel_.limited_to(limits.body_timeout);
      bytes_in_ += co_await http::async_read_some(channel_, buffer_, reader,
                                                  asio::redirect_error(asio::use_awaitable, error));
    }
    if (error == http::error::need_buffer) error = {};
    if (error) co_return tl::unexpected(Refusal{499, "client_gone", "the client has left", 0});
    const std::size_t got = space.taken(reader.get().body());
    const bool more = !reader.is_done();
    if (got == 0 && more) continue;
    const auto limit = upstream.channel.limited_to(limits.upstream_timeout);
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
    const auto limit = upstream.channel.limited_to(settings_->config.limits.upstream_timeout);
    co_await http::async_read_header(upstream.channel, upstream.buffer, *answer_,
                                     asio::redirect_error(asio::use_awaitable, error));
    was_dead_ = is_end(error) && upstream.buffer.size() == 0 && !is_interim_answered;
    if (error) co_return tl::unexpected(refusal_of_upstream(upstream.channel.cause_of(error)));
    const unsigned status = answer_->get().result_int();
    const bool is_changed = status == 101;
    if (is_changed && asks_for_upgrade_ &&
        equal_ignoring_case(text_of(answer_->get()[http::field::upgrade]), route_->upgrade))
      co_return Settled();
    if (is_changed)
      co_return refuse(502, "upstream_failed", "the application changed the protocol unasked");
    if (status >= 200) co_return Settled();
  }
}

bool Exchange::shows_answer() const {
  const http::response_header<>& header = answer_->get();
  const auto encoding = header[http::field::content_encoding];
  return route_ && !route_->answers.empty() && !answer_->is_done() && is_json(header) &&
         (encoding.empty() || beast::iequals(encoding, "identity")) &&
         header_.method() != http::verb::head && header.result_int() != 206;
}

awaitable<Exchange::Settled> Exchange::relay_answer(Upstream& upstream) {
  keeps_alive_ =
      keeps_alive_ && header_.version() == 11 && (!has_body_ || is_body_read_) && !worker_.draining;
  Settled done;
  if (answer_->get().result_int() == 101)
    done = co_await change_protocol(upstream);
  else if (shows_answer())
    done = co_await show_answer(upstream);
  else
    done = co_await stream_answer(upstream);
  co_return done;
}

awaitable<Exchange::Settled> Exchange::change_protocol(Upstream& upstream) {
  const auto& limits = settings_->config.limits;
  const auto stops = [&] { return tl::unexpected(Refusal{503, "busy", "the gateway stops", 1}); };
  if (worker_.draining) co_return stops();
  HeaderText out = HeaderText::of_answer(101, text_of(answer_->get().reason()));
  for (const auto& [name, value] : end_to_end(answer_->get())) out.add(name, value);
  add_upgrade(out, *route_);
  status_ = 101;
  is_answered_ = true;
  keeps_alive_ = false;  // for no other request
  const std::string header = std::move(out).finish();
  ErrorCode error;
  {
    const auto limit = channel_.limited_to(limits.body_timeout);
    bytes_out_ += co_await asio::async_write(channel_, asio::buffer(header),
                                             asio::redirect_error(asio::use_awaitable, error));
  }
  if (error) co_return tl::unexpected(Refusal{499, "client_gone", "the client has left", 0});
  if (worker_.draining) co_return stops();  // which has passed this connection over
  is_tunnel_ = true;
  const Carried carried = co_await carry_both_ways(
      {channel_, buffer_}, {upstream.channel, upstream.buffer}, limits.idle_timeout);
  bytes_in_ += carried.from_client;
  bytes_out_ += carried.to_client;
  co_return Settled();
}

awaitable<Exchange::Settled> Exchange::stream_answer(Upstream& upstream) {
  const auto& limits = settings_->config.limits;
  const auto& header = answer_->get();
  const bool has_body = !answer_->is_done();
  const auto length = answer_->content_length();
  const bool is_chunked = has_body && !length && header_.version() == 11;
  if (has_body && !length && !is_chunked) keeps_alive_ = false;  // its end is the connection's
  HeaderText out = HeaderText::of_answer(header.result_int(), text_of(header.reason()));
  const bool has_id = !header["X-Request-Id"].empty();
  for (const auto& [name, value] : end_to_end(header))
    if (has_id || !equal_ignoring_case(name, "x-request-id")) out.add(name, value);
  if (!has_id) out.add("X-Request-Id", id_);
  // Framing is this connection's own; of what has no body the length is said as it was: HEAD, 304.
  if (is_chunked)
    out.add("Transfer-Encoding", "chunked");
  else if (has_body && length)
    out.add("Content-Length", *length);
  else if (const auto told = header[http::field::content_length]; !has_body && !told.empty())
    out.add("Content-Length", text_of(told));
  if (!keeps_alive_) out.add("Connection", "close");
  status_ = header.result_int();
  const bool may_be_kept = answer_->keep_alive();
  Outgoing outgoing(std::move(out).finish(), is_chunked);
  http::response_parser<http::buffer_body> reader(std::move(*answer_));
  reader.body_limit(boost::none);
  ErrorCode error;
  is_answered_ = true;
  StreamSpace space(has_body ? reader.content_length() : 0);
  // What is here already leaves together with the header.
  if (!has_body || upstream.buffer.size() == 0) {
    const auto limit = channel_.limited_to(limits.body_timeout);
    bytes_out_ += co_await asio::async_write(channel_, outgoing.next({}, has_body),
                                             asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return tl::unexpected(Refusal{499, "client_gone", "the client has left", 0});
  }
  while (!reader.is_done()) {
    space.offer_to(reader.get().body());
    {
      const auto limit = upstream.channel.limited_to(limits.upstream_timeout);
      co_await http::async_read_some(upstream.channel, upstream.buffer, reader,
                                     asio::redirect_error(asio::use_awaitable, error));
    }
    if (error == http::error::need_buffer) error = {};
    // What was promised did not come: the client sees its connection cut.
    if (error) co_return tl::unexpected(refusal_of_upstream(upstream.channel.cause_of(error)));
    const std::size_t got = space.taken(reader.get().body());
    const bool more = !reader.is_done();
    if (got == 0 && more) continue;
    const auto limit = channel_.limited_to(limits.body_timeout);
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

awaitable<Exchange::Settled> Exchange::show_answer(Upstream& upstream) {
  const auto& limits = settings_->config.limits;
  http::response_header<> header;
  header.version(11);
  header.result(answer_->get().result_int());
  header.reason(answer_->get().reason());
  for (const auto& [name, value] : end_to_end(answer_->get())) header.insert(name, value);
  if (header["X-Request-Id"].empty()) header.set("X-Request-Id", id_);
  const bool may_be_kept = answer_->keep_alive();
  http::response_parser<WipedBody> reader(std::move(*answer_));
  reader.body_limit(limits.max_answer_bytes);
  ErrorCode error;
  if (reader.content_length() && *reader.content_length() > limits.max_answer_bytes) {
    error = http::error::body_limit;
  } else {
    const auto limit = upstream.channel.limited_to(limits.upstream_timeout);
    co_await http::async_read(upstream.channel, upstream.buffer, reader,
                              asio::redirect_error(asio::use_awaitable, error));
  }
  if (error == http::error::body_limit)
    co_return refuse(502, "answer_too_large", "the application's answer is too large to be shown");
  if (error) co_return tl::unexpected(refusal_of_upstream(upstream.channel.cause_of(error)));
  bool changed = false;
  auto body = co_await opened(std::move(reader.get().body()), changed);
  if (!body) co_return tl::unexpected(body.error());
  http::response<WipedBody> message(std::move(header));
  if (changed) {
    // What is about other bytes, and what lets a cache keep these whatever Cache-Control says.
    for (const std::string_view name : kDigests) message.erase({name.data(), name.size()});
    for (const char* name :
         {"ETag", "Expires", "X-Accel-Expires", "Surrogate-Control", "CDN-Cache-Control"})
      message.erase(name);
    message.set(http::field::cache_control, "private, no-store");
  }
  message.body() = *std::move(body);
  message.content_length(message.body().size());
  message.keep_alive(keeps_alive_);
  status_ = message.result_int();
  is_answered_ = true;
  const auto limit = channel_.limited_to(limits.body_timeout);
  bytes_out_ += co_await http::async_write(channel_, message,
                                           asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return tl::unexpected(Refusal{499, "client_gone", "the client has left", 0});
  if (may_be_kept) answer_.reset();
  co_return Settled();
}

}  // namespace nae::gateway

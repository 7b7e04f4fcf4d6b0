#include "gateway/exchange.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include "gateway/batch.hpp"
#include "gateway/inspection/gzip.hpp"
#include "gateway/route_choice.hpp"
#include "gateway/upgrade.hpp"
#include "libnae/base/log_text.hpp"

namespace nae::gateway {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::awaitable;
using ErrorCode = boost::system::error_code;

Refusal refusal_of_reading(const ErrorCode& error) {
  if (error == http::error::buffer_overflow)  // a header has a lower limit
    return {400, "chunk_malformed", "the extensions of a chunk or the trailers are too large", 0};
  if (error == http::error::header_limit)
    return {431, "header_too_large", "the header is too large", 0};
  if (error == http::error::body_limit) return {413, "body_too_large", "the body is too large", 0};
  if (error == http::error::bad_content_length || error == http::error::multiple_content_length)
    return {400, "content_length_malformed", "the Content-Length is no number", 0};
  if (error == http::error::bad_transfer_encoding)
    return {400, "framing_conflict", "Transfer-Encoding and Content-Length do not fit", 0};
  if (error == http::error::bad_chunk || error == http::error::bad_chunk_extension)
    return {400, "chunk_malformed", "a chunk is malformed", 0};
  if (error == beast::error::timeout)
    return {408, "request_timeout", "the request did not come in time", 0};
  if (error == http::error::partial_message || error == http::error::end_of_stream)
    return {400, "request_truncated", "the request ends early", 0};
  if (error.category() == http::make_error_code(http::error::bad_method).category())
    return {400, "http_malformed", "the request is no HTTP/1.1", 0};
  return {499, "client_gone", "the client has left", 0};  // nobody reads it
}

}  // namespace

Exchange::Exchange(Worker& worker, Channel& client_channel, WipedBuffer& buffer,
                   const Client& client)
    : worker_(worker),
      channel_(client_channel),
      buffer_(buffer),
      client_(client),
      settings_(worker.settings) {}

Exchange::~Exchange() {
  hold(0);
  const unsigned digit = status_ / 100;
  ++worker_.metrics.requests[digit <= 5 ? digit : 0];
  if (route_) ++worker_.metrics.claimed_requests;
  if (!refused_.empty()) worker_.metrics.refused(refused_);
  if (!settings_->config.log.access) return;
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now() - began_);
  // Neither path nor query: values stand there.
  spdlog::info(
      "event=request id={} client={} method={} route={} status={} refused={} encrypted={} shown={} "
      "bytes_in={} bytes_out={} microseconds={}",
      id_.empty() ? "-" : id_, client_.address, quoted_text(header_.method_string()),
      route_ ? route_->name : "-", status_, refused_.empty() ? "-" : refused_, values_, shown_,
      bytes_in_, bytes_out_, took.count());
}

awaitable<bool> Exchange::run() {
  Settled served = co_await serve();
  if (!served && !is_answered_ && served.error().status != 499)
    co_await refuse_request(served.error());
  else if (!served)
    is_cut_ = true;
  // What was not read of a request cannot be told from the next one.
  const bool is_whole = !has_body_ || is_body_read_;
  co_return keeps_alive_&& is_whole && !is_cut_;
}

awaitable<Exchange::Settled> Exchange::serve() {
  Settled done = co_await read_header();
  if (!done) co_return done;
  done = choose_route();
  if (!done) co_return done;
  if (route_) {
    done = co_await read_body();
    if (!done) co_return done;
    done = co_await encrypt();
    if (!done) co_return done;
  }
  done = co_await forward();
  co_return done;
}

awaitable<Exchange::Settled> Exchange::read_header() {
  parser_.emplace();
  parser_->header_limit(settings_->config.limits.max_header_bytes);
  parser_->body_limit(boost::none);
  ErrorCode error;
  const auto limit = channel_.limited_to(settings_->config.limits.header_timeout);
  bytes_in_ += co_await http::async_read_header(channel_, buffer_, *parser_,
                                                asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return tl::unexpected(refusal_of_reading(channel_.cause_of(error)));
  const bool may_be_kept = parser_->get().keep_alive();
  header_ = std::move(parser_->get().base());  // the parser goes on by what it has read of it
  id_ = request_id(header_, client_.is_trusted, worker_.request_ids);
  has_body_ = !parser_->is_done();
  Settled checked = check_header(header_);
  if (!checked) co_return checked;
  keeps_alive_ = may_be_kept && !worker_.draining;
  headers_ = end_to_end(header_);
  if (const auto expected = header_[http::field::expect]; !expected.empty())
    if (!beast::iequals(expected, "100-continue"))
      co_return refuse(417, "expectation_unsupported", "another Expect than 100-continue");
  co_return checked;
}

Exchange::Settled Exchange::choose_route() {
  const std::string_view target(header_.target().data(), header_.target().size());
  auto parsed = parse_target(target);
  if (!parsed) return tl::unexpected(parsed.error());
  target_ = *std::move(parsed);
  auto chosen =
      nae::gateway::choose_route(settings_->config.routes, header_, headers_, target_, client_);
  if (!chosen) return tl::unexpected(chosen.error());
  route_ = *chosen;
  const auto asked = nae::gateway::asks_for_upgrade(header_, has_body_, route_);
  if (!asked) return tl::unexpected(asked.error());
  asks_for_upgrade_ = *asked;
  return {};
}

awaitable<void> Exchange::continue_client() {
  if (header_[http::field::expect].empty() || !has_body_) co_return;
  static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  ErrorCode error;
  const auto limit = channel_.limited_to(settings_->config.limits.header_timeout);
  co_await asio::async_write(channel_, asio::buffer(kContinue),
                             asio::redirect_error(asio::use_awaitable, error));
}

awaitable<Exchange::Settled> Exchange::read_body() {
  if (has_body_) {
    Settled good = check_content(*route_, headers_);
    if (!good) co_return good;
    const auto length = parser_->content_length();
    if (length && *length > route_->max_body_bytes)
      co_return refuse(413, "body_too_large", "the body is too large");
    const bool is_gzip = *coding_of(headers_) == Coding::gzip;
    const std::size_t most = length ? *length : route_->max_body_bytes;
    const std::size_t wanted =
        most + (is_gzip ? std::min(route_->max_body_bytes, most_out_of(most)) : 0);
    if (wanted >
        settings_->config.limits.max_bodies_bytes -
            std::min<std::size_t>(worker_.body_bytes, settings_->config.limits.max_bodies_bytes))
      co_return tl::unexpected(Refusal{503, "busy", "the gateway holds too many bodies", 1});
    hold(wanted);
    co_await continue_client();
    http::request_parser<WipedBody> reader(std::move(*parser_));
    reader.body_limit(route_->max_body_bytes);
    ErrorCode error;
    const auto limit = channel_.limited_to(settings_->config.limits.body_timeout);
    bytes_in_ += co_await http::async_read(channel_, buffer_, reader,
                                           asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return tl::unexpected(refusal_of_reading(channel_.cause_of(error)));
    is_body_read_ = true;
    body_ = std::move(reader.get().body());
    good = undo_coding(headers_, body_, route_->max_body_bytes);  // the application gets the same
    if (!good) co_return good;
    hold(body_.size());
  }
  co_return Settled();
}

// Of the worker's budget, in place of what was held before.
void Exchange::hold(std::size_t bytes) {
  worker_.body_bytes += bytes;
  worker_.body_bytes -= std::exchange(held_bytes_, bytes);
}

void Exchange::abort() {
  if (upstream_) upstream_->close();
}

RequestView Exchange::request_view() const {
  return {{header_.target().data(), header_.target().size()}, headers_, as_text(body_)};
}

Asker Exchange::asker() const {
  Asker asker{route_->role, route_->name, client_.address, {}};
  if (route_->user_token) asker.user_token = bearer_token(header_);
  return asker;
}

awaitable<Exchange::Settled> Exchange::encrypt() {
  auto findings = inspect(*route_, target_, request_view());
  if (!findings) co_return tl::unexpected(findings.error());
  if (findings->empty()) co_return Settled();
  const EncryptBatch batch(*findings);
  const Asker on_behalf = asker();
  const auto began = std::chrono::steady_clock::now();
  auto replies = co_await worker_.agent.ask(on_behalf, batch.questions(),
                                            settings_->config.limits.agent_timeout);
  ++worker_.metrics.batches;
  worker_.metrics.batch_microseconds +=
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                     std::chrono::steady_clock::now() - began)
                                     .count());
  Result<std::vector<std::string>> texts =
      replies ? batch.texts(*replies) : Result<std::vector<std::string>>(fail(replies.error()));
  if (!texts) {
    ++worker_.metrics.agent_failures;
    spdlog::warn("event=not_encrypted id={} route={} code={} reason={}", id_, route_->name,
                 name(texts.error().code), quoted_text(texts.error().message));
    co_return tl::unexpected(refusal_of(texts.error()));
  }
  values_ = findings->size();
  worker_.metrics.values_encrypted += values_;
  rewritten_ = rewrite(request_view(), *findings, *texts);
  co_return Settled();
}

awaitable<void> Exchange::refuse_request(const Refusal& refusal) {
  refused_ = refusal.name;
  status_ = refusal.status;
  is_answered_ = true;
  const bool is_whole = !has_body_ || is_body_read_;
  http::response<http::string_body> answer(http::int_to_status(refusal.status), 11);
  answer.set(http::field::content_type, "application/json");
  answer.set(http::field::cache_control, "no-store");
  if (!id_.empty()) answer.set("X-Request-Id", id_);
  if (refusal.retry_after_s > 0)
    answer.set(http::field::retry_after, std::to_string(refusal.retry_after_s));
  answer.body() = "{\"error\":" + json_quoted(refusal.name) +
                  ",\"message\":" + json_quoted(refusal.message) + "}\n";
  answer.keep_alive(keeps_alive_ && is_whole);
  answer.prepare_payload();
  // It says how long the body of a GET would be; bytes of one would be taken for the next answer.
  if (header_.method() == http::verb::head) answer.body().clear();
  ErrorCode error;
  const auto limit = channel_.limited_to(settings_->config.limits.body_timeout);
  bytes_out_ += co_await http::async_write(channel_, answer,
                                           asio::redirect_error(asio::use_awaitable, error));
  is_cut_ = static_cast<bool>(error);
}

}  // namespace nae::gateway

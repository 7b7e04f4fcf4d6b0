// Exchange: one request of a client and its answer. Claimed requests are read as a whole, looked
// into and rewritten; others stream through.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/vector_body.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "gateway/forwarding.hpp"
#include "gateway/worker.hpp"

namespace nae::gateway {

using WipedBody = http::vector_body<Byte, WipingAllocator<Byte>>;

class Exchange {
 public:
  // All of them live longer. `buffer` has what was read of the request already.
  Exchange(Worker& worker, Channel& client_channel, WipedBuffer& buffer, const Client& client);
  ~Exchange();

  // Whether another request may follow on the connection.
  boost::asio::awaitable<bool> run();
  // An answer could not be sent to its end: the client must see that.
  bool is_cut() const { return is_cut_; }
  // The protocol was changed: nobody knows when it ends.
  bool is_tunnel() const { return is_tunnel_; }
  // Ends what is under way with the application, from the channel's thread.
  void abort();

 private:
  using Settled = Understood<void>;
  boost::asio::awaitable<Settled> serve();
  boost::asio::awaitable<Settled> read_header();
  Settled choose_route();
  boost::asio::awaitable<Settled> read_body();
  boost::asio::awaitable<Settled> encrypt();
  boost::asio::awaitable<Settled> forward();
  boost::asio::awaitable<Settled> send_request(Upstream& upstream);
  boost::asio::awaitable<Settled> stream_request(Upstream& upstream);
  boost::asio::awaitable<Settled> read_answer_header(Upstream& upstream);
  boost::asio::awaitable<Settled> relay_answer(Upstream& upstream);
  boost::asio::awaitable<Settled> change_protocol(Upstream& upstream);
  boost::asio::awaitable<Settled> stream_answer(Upstream& upstream);
  boost::asio::awaitable<Settled> show_answer(Upstream& upstream);
  boost::asio::awaitable<Understood<Bytes>> opened(Bytes body, bool& changed);
  boost::asio::awaitable<void> refuse_request(const Refusal& refusal);
  boost::asio::awaitable<void> continue_client();

  HeaderText upstream_header() const;  // but for how the body is framed
  void hold(std::size_t bytes);
  bool may_ask_again(const Upstream& upstream) const;
  bool shows_answer() const;
  Asker asker() const;
  RequestView request_view() const;

  Worker& worker_;
  Channel& channel_;
  WipedBuffer& buffer_;
  const Client& client_;
  const SharedSettings settings_;

  std::optional<http::request_parser<http::empty_body>> parser_;
  http::request_header<> header_;  // as it came, without trailers
  RequestTarget target_;
  const Route* route_ = nullptr;
  std::string id_;
  bool has_body_ = false, is_body_read_ = false, keeps_alive_ = false;
  bool asks_for_upgrade_ = false, is_tunnel_ = false;  // to that of its route
  Bytes body_;
  std::size_t held_bytes_ = 0;       // of the worker's budget
  std::vector<HeaderView> headers_;  // of header_, what goes on
  std::optional<RewrittenRequest> rewritten_;

  std::optional<http::response_parser<http::empty_body>> answer_;
  Channel* upstream_ = nullptr;  // that it asks
  bool is_answered_ = false, is_cut_ = false;
  bool was_dead_ = false;  // the connection to the application ended before a byte of an answer
  // For the log.
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  unsigned status_ = 0;
  std::string refused_;
  std::size_t values_ = 0, shown_ = 0;
  std::uint64_t bytes_in_ = 0, bytes_out_ = 0;
};

}  // namespace nae::gateway

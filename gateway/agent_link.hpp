// AgentLink: one worker's connection to nae-agent, over which the requests of all its clients go
// at once. Of one event loop; opened when somebody asks, and again after it was lost.
#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "libnae/base/action.hpp"
#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"

namespace nae::gateway {

// On whose behalf.
struct Asker {
  std::string role;            // of the route
  std::string route;           // for the audit
  std::string client_address;  // without a port
  Bytes user_token;            // empty: no end user
};

struct Question {
  Action action{};
  std::string key;
  std::vector<ByteView> items;  // these two live until ask() has returned
  std::vector<ByteView> aad;    // one an item
};

struct ItemReply {
  std::uint16_t status = 0;  // of CryptoReply
  Bytes bytes;
};
using Replies = std::vector<std::vector<ItemReply>>;  // as questions and items

class AgentLink {
 public:
  // `database`: the name of the gateway.
  AgentLink(boost::asio::io_context& loop, std::string socket_path, std::string database);
  ~AgentLink();

  // All questions leave in one write. What was lost with a connection is asked once more over
  // another one. Code::agent_unavailable, connection_lost, timeout, or what a question was answered
  // with as a whole.
  boost::asio::awaitable<Result<Replies>> ask(const Asker& asker,
                                              const std::vector<Question>& questions,
                                              std::chrono::milliseconds timeout);
  // Connects without a question, so that the first one need not wait.
  boost::asio::awaitable<Result<void>> open(std::chrono::milliseconds timeout);
  // The agent has a key server. Any thread.
  bool is_open() const { return open_.load(std::memory_order_relaxed); }

 private:
  class Connection;
  boost::asio::awaitable<Result<std::shared_ptr<Connection>>> connected(
      std::chrono::milliseconds timeout);

  boost::asio::io_context& loop_;
  const std::string socket_path_, database_;
  std::shared_ptr<Connection> connection_;
  std::atomic<bool> open_{false};
};

}  // namespace nae::gateway

#include "gateway/agent_link.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <list>
#include <unordered_map>

#include "libnae/base/log_text.hpp"
#include "libnae/base/text.hpp"
#include "libnae/base/version.hpp"
#include "libnae/client/session.hpp"
#include "libnae/crypto/hash.hpp"

namespace nae::gateway {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using ErrorCode = boost::system::error_code;
using Unix = asio::local::stream_protocol;

// An agent lets one connection have 256 open. Those beyond the first number are closed as soon as
// nothing is under way in them.
constexpr std::size_t kKeptContexts = 128, kMaxContexts = 250;

// Somebody who waits for the answers to one call of ask().
struct Waiting {
  explicit Waiting(asio::io_context& loop) : done(loop) {}
  asio::steady_timer done;  // cancelled when nothing is left to wait for
  std::size_t left = 0;
  std::optional<Error> error;
  Replies replies;

  void answered() {
    if (--left == 0) done.cancel();
  }
};

Result<std::vector<ItemReply>> read_reply(const wire::Frame& frame, std::size_t items) {
  NAE_ASSIGN(const wire::CryptoReplyView view, wire::parse_crypto_reply(frame.body));
  if (view.items.count() != items)
    return fail(Code::protocol_violation, "an answer has another count of items");
  std::vector<ItemReply> replies;
  wire::each_item(view, [&](std::uint32_t, std::uint16_t status, ByteView bytes) {
    replies.push_back({status, Bytes(bytes.begin(), bytes.end())});
  });
  return replies;
}

}  // namespace

class AgentLink::Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(asio::io_context& loop, std::atomic<bool>& open)
      : loop_(loop),
        open_(&open),
        socket_(loop),
        opened_(loop),
        session_(software("nae-gateway")) {}

  bool is_lost() const { return lost_; }
  // How often something was read; not a byte since then: the agent hangs, and what waits for it
  // would pile up here.
  std::uint64_t reads() const { return reads_; }
  // What may wait for an agent that takes nothing, plaintexts among it.
  static constexpr std::size_t kMaxWaitingBytes = 32 << 20;
  bool takes_more() const { return session_.output().size() + leaving_bytes_ <= kMaxWaitingBytes; }
  void give_up() { lose({Code::timeout, "nae-agent did not answer in time"}); }
  void abandon() {
    open_ = nullptr;
    lose({Code::shutting_down, "the gateway ends"});
  }

  awaitable<Result<void>> connect(std::string path, std::chrono::milliseconds timeout) {
    const auto self = shared_from_this();
    ErrorCode error;
    co_await socket_.async_connect(Unix::endpoint(path),
                                   asio::redirect_error(asio::use_awaitable, error));
    if (error)
      co_return fail(Code::agent_unavailable,
                     "cannot connect to nae-agent at " + path + ": " + error.message());
    asio::co_spawn(loop_, read(self), asio::detached);
    flush();
    opened_.expires_after(timeout);
    if (!session_.ready() && !lost_)
      co_await opened_.async_wait(asio::redirect_error(asio::use_awaitable, error));
    if (lost_) co_return fail(*reason_);
    if (!session_.ready()) {
      lose({Code::timeout, "nae-agent did not answer in time"});
      co_return fail(*reason_);
    }
    co_return Result<void>();
  }

  Result<void> ask(const Asker& asker, const std::string& database,
                   const std::vector<Question>& questions,
                   const std::shared_ptr<Waiting>& waiting) {
    const std::string context = context_of(asker, database);
    if (contexts_[context].number == 0) {
      contexts_.erase(context);
      return fail(Code::overloaded, "too many users ask at a time");
    }
    waiting->left = questions.size();
    waiting->replies.resize(questions.size());
    for (std::size_t i = 0; i < questions.size(); ++i) {
      const Question& question = questions[i];
      wire::CryptoRequest request;
      request.header = {contexts_[context].number, question.action, 0, question.key, 0};
      request.items = question.items;
      request.aad = question.aad;
      NAE_ASSIGN(const std::uint64_t id, session_.crypto(request));
      asked_.emplace(id, Asked{waiting, i, question.items.size(), context});
      ++contexts_[context].under_way;
    }
    flush();
    return {};
  }

 private:
  struct Context {
    std::uint32_t number = 0;
    std::size_t under_way = 0;  // requests
    std::optional<Error> refused;
    std::list<std::string>::iterator place;
  };
  struct Asked {
    std::shared_ptr<Waiting> waiting;
    std::size_t question = 0, items = 0;
    std::string context;
  };

  // By a digest: the token is not kept. There is none of this name when all places are taken.
  std::string context_of(const Asker& asker, const std::string& database) {
    Bytes named;
    ByteWriter writer(named);
    writer.text(asker.role);
    writer.text(asker.route);
    writer.text(asker.client_address);
    writer.raw(asker.user_token);
    const std::string key = to_hex(crypto::sha256(named));
    const auto known = contexts_.find(key);
    if (known != contexts_.end()) {
      used_.splice(used_.begin(), used_, known->second.place);
      return key;
    }
    make_place();
    if (contexts_.size() >= kMaxContexts) return key;
    wire::OpenContext open;
    open.context = next_context_++;
    open.role.database = database;
    open.role.effective_role = open.role.session_role = open.role.login_role = asker.role;
    open.role.application_name = "nae-gateway " + asker.route;
    open.role.client_address = asker.client_address;
    open.user_token = asker.user_token;
    openings_.emplace(session_.open_context(open), key);
    used_.push_front(key);
    contexts_[key] = {open.context, 0, std::nullopt, used_.begin()};
    return key;
  }

  void make_place() {
    for (auto at = used_.end(); contexts_.size() >= kKeptContexts && at != used_.begin();) {
      const std::string key = *--at;
      if (contexts_[key].under_way > 0) continue;
      ++at;
      forget(key);
      at = used_.end();
    }
  }

  void forget(const std::string& key) {
    const auto found = contexts_.find(key);
    if (found == contexts_.end()) return;
    session_.close_context(found->second.number);
    used_.erase(found->second.place);
    contexts_.erase(found);
  }

  void take(const wire::Frame& frame) {
    auto error = client::as_error(frame);
    const std::uint64_t id = frame.header.request_id;
    if (const auto opening = openings_.extract(id)) {
      const auto context = contexts_.find(opening.mapped());
      if (error && context != contexts_.end()) context->second.refused = std::move(error->error);
      return;
    }
    const auto asked = asked_.extract(id);
    if (asked.empty()) {  // about the connection
      if (error) lose(std::move(error->error));
      return;
    }
    Asked& request = asked.mapped();
    const auto context = contexts_.find(request.context);
    if (context != contexts_.end()) --context->second.under_way;
    if (error) {
      // The refusal to open it says more than that it is not open.
      if (context != contexts_.end() && context->second.refused)
        error->error = *context->second.refused;
      // What is about one key leaves the questions about others as they are.
      const Code code = error->error.code;
      const bool is_about_all =
          row(code).retryable || code == Code::user_token_rejected || code == Code::program_unknown;
      if (is_about_all)
        request.waiting->error = std::move(error->error);
      else
        request.waiting->replies[request.question].assign(
            request.items, ItemReply{static_cast<std::uint16_t>(code), {}});
      if (context != contexts_.end() && context->second.under_way == 0) forget(request.context);
    } else if (auto reply = read_reply(frame, request.items)) {
      request.waiting->replies[request.question] = *std::move(reply);
    } else {
      request.waiting->error = reply.error();
    }
    request.waiting->answered();
  }

  awaitable<void> read(std::shared_ptr<Connection> self) {
    while (!lost_) {
      const ByteSpan space = session_.receive_space();
      ErrorCode error;
      const std::size_t got =
          co_await socket_.async_read_some(asio::buffer(space.data(), space.size()),
                                           asio::redirect_error(asio::use_awaitable, error));
      if (error) {
        lose({Code::connection_lost, "connection to nae-agent lost: " + error.message()});
        break;
      }
      session_.received(got);
      ++reads_;
      take_all();
    }
    static_cast<void>(self);
  }

  void take_all() {
    while (!lost_) {
      auto frame = session_.next_reply();
      if (!frame) return lose(frame.error());
      if (session_.ready()) {
        if (open_) open_->store(true, std::memory_order_relaxed);
        opened_.cancel();
      }
      if (!*frame) break;
      take(**frame);
    }
    flush();  // pongs and closed contexts
  }

  void flush() {
    if (writing_ || lost_ || session_.output().empty()) return;
    writing_ = true;
    asio::co_spawn(loop_, write(shared_from_this()), asio::detached);
  }

  awaitable<void> write(std::shared_ptr<Connection> self) {
    Bytes leaving;
    while (!lost_ && !session_.output().empty()) {
      // What is asked meanwhile may move the session's output.
      const ByteView output = session_.output();
      leaving.assign(output.begin(), output.end());
      session_.sent(leaving.size());
      leaving_bytes_ = leaving.size();
      ErrorCode error;
      co_await asio::async_write(socket_, asio::buffer(leaving),
                                 asio::redirect_error(asio::use_awaitable, error));
      leaving_bytes_ = 0;
      // A peer that takes no more may have said why: the reader finds it, or the end.
      if (error) break;
    }
    writing_ = false;
    static_cast<void>(self);
  }

  void lose(Error reason) {
    if (lost_) return;
    lost_ = true;
    reason_ = std::move(reason);
    if (open_) {
      open_->store(false, std::memory_order_relaxed);
      spdlog::warn("event=agent_lost code={} reason={}", name(reason_->code),
                   quoted_text(reason_->message));
    }
    ErrorCode ignored;
    socket_.close(ignored);
    opened_.cancel();
    for (auto& [id, request] : asked_) {
      request.waiting->error = *reason_;
      request.waiting->answered();
    }
    asked_.clear();
  }

  asio::io_context& loop_;
  std::atomic<bool>* open_;
  Unix::socket socket_;
  asio::steady_timer opened_;
  client::Session session_;
  bool writing_ = false, lost_ = false;
  std::optional<Error> reason_;
  std::unordered_map<std::uint64_t, Asked> asked_;
  std::unordered_map<std::uint64_t, std::string> openings_;
  std::unordered_map<std::string, Context> contexts_;
  std::list<std::string> used_;  // the latest first
  std::uint32_t next_context_ = 1;
  std::uint64_t reads_ = 0;
  std::size_t leaving_bytes_ = 0;  // given to the socket, which has not taken all of it
};

AgentLink::AgentLink(asio::io_context& loop, std::string socket_path, std::string database)
    : loop_(loop), socket_path_(std::move(socket_path)), database_(std::move(database)) {}

AgentLink::~AgentLink() {
  if (connection_) connection_->abandon();
}

awaitable<Result<std::shared_ptr<AgentLink::Connection>>> AgentLink::connected(
    std::chrono::milliseconds timeout) {
  if (connection_ && !connection_->is_lost()) co_return connection_;
  auto connection = std::make_shared<Connection>(loop_, open_);
  auto opened = co_await connection->connect(socket_path_, timeout);
  if (!opened) co_return fail(opened.error());
  // Another request may have opened one meanwhile.
  if (connection_ && !connection_->is_lost()) {
    connection->abandon();
    co_return connection_;
  }
  connection_ = connection;
  co_return connection;
}

awaitable<Result<void>> AgentLink::open(std::chrono::milliseconds timeout) {
  auto connection = co_await connected(timeout);
  if (!connection) co_return fail(connection.error());
  co_return Result<void>();
}

awaitable<Result<Replies>> AgentLink::ask(const Asker& asker,
                                          const std::vector<Question>& questions,
                                          std::chrono::milliseconds timeout) {
  constexpr int kTries = 2;
  for (int tried = 1;; ++tried) {
    auto connection = co_await connected(timeout);
    if (!connection) co_return fail(connection.error());
    if (!(*connection)->takes_more())
      co_return fail(Code::agent_unavailable, "nae-agent takes nothing, and too much waits for it");
    const auto waiting = std::make_shared<Waiting>(loop_);
    const std::uint64_t reads = (*connection)->reads();
    auto asked = (*connection)->ask(asker, database_, questions, waiting);
    if (!asked) co_return fail(asked.error());
    waiting->done.expires_after(timeout);
    ErrorCode error;
    if (waiting->left > 0)
      co_await waiting->done.async_wait(asio::redirect_error(asio::use_awaitable, error));
    if (waiting->left > 0) {
      if ((*connection)->reads() == reads) (*connection)->give_up();
      co_return fail(Code::timeout, "nae-agent did not answer in time");
    }
    if (!waiting->error) co_return std::move(waiting->replies);
    const Code code = waiting->error->code;
    const bool is_passing = code == Code::connection_lost || code == Code::shutting_down ||
                            code == Code::context_unknown;
    if (!is_passing || tried == kTries) co_return fail(*waiting->error);
  }
}

}  // namespace nae::gateway

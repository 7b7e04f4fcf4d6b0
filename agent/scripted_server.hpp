// For tests: a key server whose answers a test decides. The connections, TLS and frames are real.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

#include "libnae/wire/context.hpp"
#include "libnae/wire/crypto_message.hpp"
#include "libnae/wire/error_message.hpp"
#include "libnae/wire/frame.hpp"
#include "libnae/wire/hello.hpp"
#include "libnae/wire/lookup.hpp"
#include "net/connection.hpp"
#include "net/connector.hpp"
#include "net/listener.hpp"
#include "net/test_certificates.hpp"

namespace nae::agent::testing {

class ScriptedServer {
 public:
  // forget: nothing on this connection is answered any more, no ping either.
  enum class Act { answer, hold, drop, forget, refuse_context, shutting_down, limit, failure };
  // What to do with a crypto request; runs on the server's thread.
  using Script = std::function<Act(const wire::CryptoRequestView&)>;

  ScriptedServer(const net::TlsFiles& files, Script script, wire::Limits limits = {},
                 std::uint16_t port = 0)
      : script_(std::move(script)), limits_(limits) {
    net::TlsListenerOptions options;
    options.port = port;
    listener_ = net::testing::must(net::listen_tls(
        workers_, net::testing::must(net::TlsContext::server(files)),
        {{net::kAlpnNae, [this](net::Connection& c) { return std::make_unique<Peer>(*this, c); }}},
        options));
  }
  ~ScriptedServer() {
    listener_->abort_all(Error(Code::shutting_down, "end of test"));
    listener_->stop(std::chrono::milliseconds(10));
    workers_.stop();
  }

  std::uint16_t port() const { return listener_->port(); }
  net::Endpoint endpoint() const { return {"127.0.0.1", port()}; }
  std::size_t connections() const { return listener_->connections(); }
  net::Listener& listener() { return *listener_; }

  // The server's answer to OpenContext for this role from now on.
  void refuse_role(const std::string& role) {
    std::lock_guard lock(mutex_);
    refused_roles_.insert(role);
  }
  // What hellos are answered with from now on, if anything.
  void refuse_hellos(std::optional<Error> refusal) {
    std::lock_guard lock(mutex_);
    hello_refusal_ = std::move(refusal);
  }
  std::optional<Error> hello_refusal() const {
    std::lock_guard lock(mutex_);
    return hello_refusal_;
  }
  // What it calls its store from now on.
  void set_store(const std::string& store) {
    std::lock_guard lock(mutex_);
    store_ = store;
  }
  std::string store() const {
    std::lock_guard lock(mutex_);
    return store_;
  }
  // It tells a state from now on, and this one; its connections are told.
  void set_state(char name) {
    {
      std::lock_guard lock(mutex_);
      state_.emplace().fill(static_cast<Byte>(name));
    }
    listener_->for_each([](net::Connection& connection) { connection.tell_change(); });
  }
  std::optional<wire::StateDigest> state() const {
    std::lock_guard lock(mutex_);
    return state_;
  }
  // It tells of its group from now on, in version 3; its connections are told.
  void set_nodes(wire::NodeList nodes) {
    {
      std::lock_guard lock(mutex_);
      nodes_ = std::move(nodes);
    }
    listener_->for_each([](net::Connection& connection) { connection.tell_change(); });
  }
  std::optional<wire::NodeList> nodes() const {
    std::lock_guard lock(mutex_);
    return nodes_;
  }
  std::vector<wire::OpenContext> opened() const {
    std::lock_guard lock(mutex_);
    return opened_;
  }
  std::atomic<int> requests = 0;
  std::atomic<Code> failure = Code::audit_unavailable;  // what Act::failure refuses with
  std::atomic<int> closed_contexts = 0;

 private:
  class Peer final : public net::Protocol {
   public:
    Peer(ScriptedServer& server, net::Connection& connection)
        : server_(server), connection_(connection) {}
    ByteSpan receive_space() override { return assembler_.prepare(64 << 10); }
    bool received(std::size_t bytes) override {
      assembler_.commit(bytes);
      for (;;) {
        auto frame = assembler_.next();
        if (!frame) return false;
        if (!*frame) return true;
        if (!handle(**frame)) return false;
      }
    }

    void changed() override {
      if (tells_state_) wire::append_state(connection_.output(), *server_.state());
      if (tells_nodes_) wire::append_node_list(connection_.output(), *server_.nodes());
    }

   private:
    bool handle(const wire::Frame& frame) {
      Bytes& out = connection_.output();
      std::uint64_t id = frame.header.request_id;
      if (forgotten_) return true;
      switch (frame.header.type) {
        case wire::FrameType::hello: {
          if (const auto refusal = server_.hello_refusal()) {
            wire::append_error(out, id, {*refusal, 0});
            return false;
          }
          const auto state = server_.state();
          const auto nodes = server_.nodes();
          auto reply =
              wire::agree(net::testing::must(wire::parse_hello(frame.body)), server_.limits_,
                          nodes   ? wire::kVersionWithNodes
                          : state ? wire::kVersionWithState
                                  : wire::kProtocolVersion);
          reply->server_id = server_.store();
          reply->state = state;
          tells_state_ = reply->state.has_value();
          tells_nodes_ = nodes.has_value();
          if (nodes) reply->nodes = *nodes;
          reply->epoch = 7;
          wire::append_hello_reply(out, id, *reply);
          assembler_.set_max_body_bytes(reply->limits.max_frame_bytes);
          return true;
        }
        case wire::FrameType::open_context:
          return open(id, net::testing::must(wire::parse_open_context(frame.body)));
        case wire::FrameType::close_context:
          ++server_.closed_contexts;
          contexts_.erase(net::testing::must(wire::parse_context_number(frame.body)));
          return true;
        case wire::FrameType::crypto:
          return crypto(id, net::testing::must(wire::parse_crypto(frame.body, server_.limits_)));
        case wire::FrameType::lookup: {
          auto lookup = net::testing::must(wire::parse_lookup(frame.body));
          wire::append_lookup_reply(out, id, {{"name"}, {{std::to_string(lookup.context)}}});
          return true;
        }
        case wire::FrameType::ping:
          wire::append_empty_frame(out, wire::FrameType::pong, id);
          return true;
        default:
          return false;
      }
    }
    bool open(std::uint64_t id, wire::OpenContext open) {
      std::lock_guard lock(server_.mutex_);
      if (server_.refused_roles_.contains(open.role.effective_role)) {
        wire::append_error(connection_.output(), id,
                           {Error(Code::device_unknown, "refused by the script"), 0});
        return true;
      }
      contexts_.insert(open.context);
      wire::append_context_opened(connection_.output(), id, open.context);
      server_.opened_.push_back(std::move(open));
      return true;
    }
    // Answers every item with itself.
    bool crypto(std::uint64_t id, const wire::CryptoRequestView& request) {
      ++server_.requests;
      Bytes& out = connection_.output();
      if (!contexts_.contains(request.header.context)) {
        wire::append_error(out, id, {Error(Code::context_unknown, "not open"), 0});
        return true;
      }
      Act act = server_.script_(request);
      forgotten_ = act == Act::forget;
      if (act == Act::hold || forgotten_) return true;
      if (act == Act::drop) connection_.abort(Error(Code::connection_lost, "script"));
      if (act == Act::drop) return false;
      if (act == Act::limit) {
        wire::append_error(out, id, {Error(Code::limit_exceeded, "script"), 4200});
        return true;
      }
      if (act == Act::failure) {
        wire::append_error(out, id, {Error(server_.failure, "script"), 1000});
        return true;
      }
      if (act == Act::refuse_context) contexts_.erase(request.header.context);
      if (act != Act::answer) {
        Code code = act == Act::shutting_down ? Code::shutting_down : Code::context_unknown;
        wire::append_error(out, id, {Error(code, "script"), 0});
        return true;
      }
      wire::CryptoReplyWriter writer(out, id, request.items.count(), request.items.data_bytes());
      auto items = request.items.cursor();
      for (std::uint32_t i = 0; i < request.items.count(); ++i) {
        ByteView item = items.next();
        ByteSpan space = writer.begin_item(item.size());
        std::copy(item.begin(), item.end(), space.begin());
        writer.finish_item(wire::ItemResult::value, item.size());
      }
      writer.finish();
      return true;
    }

    ScriptedServer& server_;
    net::Connection& connection_;
    wire::FrameAssembler assembler_{wire::kMaxFrameBytesBeforeHello};
    std::set<std::uint32_t> contexts_;
    bool forgotten_ = false;
    bool tells_state_ = false, tells_nodes_ = false;
  };

  Script script_;
  wire::Limits limits_;
  mutable std::mutex mutex_;
  std::set<std::string> refused_roles_;
  std::optional<Error> hello_refusal_;
  std::string store_ = "scripted";
  std::optional<wire::StateDigest> state_;
  std::optional<wire::NodeList> nodes_;
  std::vector<wire::OpenContext> opened_;
  net::WorkerThreads workers_{1, "scripted"};
  std::unique_ptr<net::Listener> listener_;
};

}  // namespace nae::agent::testing

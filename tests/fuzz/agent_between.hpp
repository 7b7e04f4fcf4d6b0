// An agent's parts between clients and key servers: the fuzzer holds the far ends of all
// connections. What the agent consists of is real, but for TLS: its connections to servers are
// socket pairs.
#pragma once

#include <spdlog/spdlog.h>

#include <memory>
#include <string>
#include <vector>

#include "agent/broker.hpp"
#include "agent/downstream.hpp"
#include "net/connector.hpp"
#include "net/test_certificates.hpp"
#include "tests/fuzz/far_end.hpp"

namespace nae::fuzz {

// Servers that have been connected to, in the place of net/connector.cpp.
inline std::vector<FarEnd>* reached_servers = nullptr;

class PairedAttempt final : public net::ConnectAttempt {
 public:
  void open(boost::asio::io_context& loop, const net::Endpoint& endpoint,
            const net::ConnectionLimits& limits, net::ProtocolFactory protocol,
            net::OnAttemptClosed on_close) {
    const Pair pair;
    reached_servers->emplace_back(pair.far);
    auto opened = std::make_shared<net::Connection>(
        loop, std::make_unique<net::UnixStream>(pair.near), net::to_string(endpoint), limits);
    connection_ = opened;
    on_close_ = std::make_shared<net::OnAttemptClosed>(std::move(on_close));
    // A handshake takes its time: nothing is told from within the call.
    boost::asio::post(loop, [opened, protocol = std::move(protocol), told = on_close_] {
      opened->start([protocol, told](net::Connection& c) { return *told ? protocol(c) : nullptr; },
                    [told](net::Connection&, const Error& reason) {
                      if (auto tell = std::exchange(*told, nullptr)) tell(reason);
                    });
    });
  }
  void cancel() override {
    *on_close_ = nullptr;
    if (auto connection = connection_.lock())
      connection->abort(Error(Code::shutting_down, "given up"));
  }

 private:
  std::shared_ptr<net::OnAttemptClosed> on_close_;
  std::weak_ptr<net::Connection> connection_;
};

inline constexpr wire::Limits kAgentLimits{64u << 10, 64};
inline constexpr std::uint32_t kMaxOutstanding = 4;

class AgentBetween {
 public:
  AgentBetween(std::size_t clients, std::size_t servers, bool program_known = true)
      : program_known_(program_known), broker_(loop_, {1u << 20, kLong, kLong}) {
    far_servers_.reserve(servers);
    reached_servers = &far_servers_;
    std::vector<agent::UpstreamSettings> settings;
    for (std::size_t i = 0; i < servers; ++i)
      settings.push_back(
          {{"server" + std::to_string(i), 7443}, tls(), kAgentLimits, std::chrono::seconds(5)});
    broker_.use(std::move(settings), true);
    for (std::size_t i = 0; i < clients; ++i) connect_client();
    settle(loop_);
  }
  // Nothing may be owed when everybody has left.
  ~AgentBetween() {
    clients_.clear();
    far_servers_.clear();
    settle(loop_);
    require(broker_.outstanding() == 0 && broker_.buffered_bytes() == 0);
    require(memory_->held() == 0);
  }

  // A turn of the event loop, with all that becomes ready in it.
  void turn() {
    settle(loop_);
    for (FarEnd& client : clients_) client.hear();
    for (FarEnd& server : far_servers_) server.hear();
  }
  std::vector<FarEnd>& clients() { return clients_; }
  std::vector<FarEnd>& servers() { return far_servers_; }
  const agent::Broker& broker() const { return broker_; }

 private:
  static constexpr std::chrono::milliseconds kLong{60'000};

  static const net::TlsContext& tls() {
    static const net::testing::TemporaryDirectory directory;
    static const net::TlsContext context = net::testing::must(
        net::TlsContext::client(net::testing::TestAuthority(directory, "authority")
                                    .issue(net::testing::TestAuthority::device("db1"))));
    return context;
  }
  void connect_client() {
    const Pair pair;
    clients_.emplace_back(pair.far);
    auto connection = std::make_shared<net::Connection>(
        loop_, std::make_unique<net::UnixStream>(pair.near), "local", net::ConnectionLimits{});
    connection->start(
        [this](net::Connection& c) { return std::make_unique<agent::Downstream>(c, services_); },
        [](net::Connection&, const Error&) {});
  }
  Result<agent::AttestedProgram> attest() const {
    if (!program_known_) return fail(Code::program_unknown, "no program of the table");
    return agent::AttestedProgram{
        {"postgres", 26, "/usr/lib/postgresql/15/bin/postgres", {}, ""}, "", {}};
  }

  const bool program_known_;
  boost::asio::io_context loop_{1};
  std::vector<FarEnd> far_servers_, clients_;
  agent::ContextRegistry contexts_;
  agent::ClientOrder order_;
  std::shared_ptr<net::MemoryBudget> memory_ =
      std::make_shared<net::MemoryBudget>(1u << 20, 256u << 10);
  agent::Broker broker_;
  const agent::DownstreamServices services_{broker_,
                                            contexts_,
                                            [this](int) { return attest(); },
                                            [this](const agent::PeerProcess&) { return attest(); },
                                            [] {
                                              return Table{{"name"}, {{"value"}}};
                                            },
                                            kMaxOutstanding,
                                            kLong,
                                            memory_,
                                            order_};
};

}  // namespace nae::fuzz

// Instead of net/connector.cpp, which the programs leave out.
std::shared_ptr<nae::net::ConnectAttempt> nae::net::connect_tls(
    boost::asio::io_context& loop, TlsContext, const Endpoint& endpoint,
    const ConnectionLimits& limits, ProtocolFactory protocol, OnAttemptClosed on_close) {
  auto attempt = std::make_shared<nae::fuzz::PairedAttempt>();
  attempt->open(loop, endpoint, limits, std::move(protocol), std::move(on_close));
  return attempt;
}

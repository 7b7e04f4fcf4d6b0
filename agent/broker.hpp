// Broker: routes requests of many clients onto few connections, and the answers back. It patches
// request ids and context numbers in place; what is inside a request it does not know.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include "agent/avoided_servers.hpp"
#include "agent/context.hpp"
#include "agent/discovery.hpp"
#include "agent/server_group.hpp"
#include "agent/upstream.hpp"
#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"

namespace nae::agent {

// Who asks: a client's connection.
class Asker {
 public:
  virtual ~Asker() = default;
  // `frame` answers request `id` of this client, under a request id of the broker's.
  virtual void deliver(std::uint64_t id, ByteView frame) = 0;
  virtual void refuse(std::uint64_t id, const Error& error) = 0;
  virtual void tell_epoch(std::uint64_t epoch) = 0;
};

struct BrokerLimits {
  std::uint64_t max_buffered_bytes = 0;
  std::chrono::milliseconds request_timeout{0};
  std::chrono::milliseconds unavailable_wait{0};
};

struct BrokerCounters {
  std::uint64_t requests = 0;
  std::uint64_t delivered = 0;
  std::uint64_t refused = 0;  // answered by an error of the agent's own
  std::uint64_t retried = 0;
  std::uint64_t timeouts = 0;
  std::uint64_t discovered_refused =
      0;  // attempts at a discovered server that did not prove itself
};

class Broker final : public UpstreamEvents {
 public:
  Broker(boost::asio::io_context& loop, const BrokerLimits& limits);

  // Replaces all servers: the old connections serve until a new one is ready. `discover`: also of
  // the key servers that those tell of, with as many connections and by the same rules.
  void use(std::vector<UpstreamSettings> upstreams, bool discover);  // at least one

  void add(Asker& asker) { askers_.emplace(&asker, 0); }
  // The asker is gone: nothing is delivered to it any more.
  void remove(Asker& asker);

  // Takes a copy of the frame. `repeatable`: the request may be executed twice without harm, so
  // that it is sent again when its connection dies. `counted`: key servers count it as a use of a
  // key, which in a group the one in charge does alone. deliver() or refuse() follows, never from
  // within this call.
  void submit(Asker& asker, std::uint64_t id, ByteView frame, const ContextPtr& context,
              bool repeatable, bool counted = false);

  // The last agreement with a server; own limits and no server before the first.
  const wire::HelloReply& agreed() const { return agreed_; }
  const std::vector<std::unique_ptr<Upstream>>& upstreams() const { return upstreams_; }
  const Discovery& discovery() const { return discovery_; }
  const BrokerCounters& counters() const { return counters_; }
  std::size_t outstanding() const { return requests_.size(); }
  std::uint64_t buffered_bytes() const { return buffered_bytes_; }
  // Of the requests that this asker waits for.
  std::uint64_t buffered_bytes(const Asker& asker) const;
  // An asker that has so much should submit nothing more: the others need room too.
  std::uint64_t share_of_an_asker() const;

  Result<void> upstream_greeted(Upstream& upstream, const wire::HelloReply& reply) override;
  void upstream_ready(Upstream& upstream) override;
  void upstream_lost(Upstream& upstream, const Error& reason) override;
  void upstream_replied(Upstream& upstream, const wire::Frame& frame, ByteView bytes) override;
  void upstream_epoch(std::uint64_t epoch) override;
  void upstream_state(Upstream& upstream, const wire::StateDigest& state) override;
  void upstream_nodes(Upstream& upstream, const wire::NodeList& nodes) override;

 private:
  using TimePoint = std::chrono::steady_clock::time_point;
  // Of servers that leave a request to the one in charge.
  struct Refusals {
    std::vector<std::string> servers;
    std::optional<Error> last;
  };
  struct Request {
    Asker* asker = nullptr;  // null: nobody waits, but the server still owes the answer
    std::uint64_t id = 0;    // the asker's
    Bytes frame;             // kept until it is answered, to be sent again
    ContextPtr context;
    Upstream* upstream = nullptr;  // null: waits for one
    SentContextPtr sent;
    unsigned times_sent = 0;
    bool repeatable = false;
    bool counted = false;
    std::unique_ptr<Refusals> refusals;  // nullptr: no server has left it to another one
    TimePoint deadline;
    TimePoint unavailable_at;
    TimePoint retry_at;  // lost: not before, on a connection to the server that lost it
  };
  using Requests = std::unordered_map<std::uint64_t, Request>;
  static constexpr unsigned kMostSends = 2;
  // A server that owes an answer for so long is taken for silent.
  static constexpr std::chrono::milliseconds kSilent{1'000};

  void dispatch(std::uint64_t number, Request& request);
  void send(std::uint64_t number, Request& request, Upstream& upstream);
  static Refusals& note_refusal(Request& request, const std::string& server);
  Upstream* choose(const Upstream* avoided = nullptr, const Request* request = nullptr);
  Upstream* least_loaded(const std::function<bool(const Upstream&)>& may_serve);
  // A request that `lost` will not answer, and that may be sent again.
  void repeat(std::uint64_t number, Request& request, const Upstream& lost);
  void repeat_due(TimePoint now);
  void wait_for_upstream(std::uint64_t number, Request& request);
  void refuse(Requests::iterator found, const Error& error);
  void refuse_soon(Asker& asker, std::uint64_t id, Error error);
  // Who waited for the request waits no longer, and its bytes are not the asker's any more.
  Asker* let_go(Request& request);
  // The request leaves its upstream, answered or to be sent on another.
  void detach(Request& request);
  void erase(Requests::iterator found);
  bool send_again(Requests::iterator found, const wire::Frame& frame);
  bool try_elsewhere(Requests::iterator found, const Error& refusal);
  bool ask_the_one_in_charge(Requests::iterator found, const Error& refusal);
  // Requests that wait for a server that has fallen silent go to one that has not.
  void watch_silence(TimePoint now);
  bool move_requests(Upstream& silent, TimePoint now);
  void open_another_connection(const Upstream& silent, TimePoint now);
  // Requests wait: their servers are tried now, not when the upstreams' patience ends.
  void hurry_upstreams(TimePoint now);
  void watch_deadlines();
  void check_deadlines();
  // Servers that turn out to be others than the first one are not used.
  void give_up_different();
  void alarm_of_difference(const std::string& server, const Error& difference);
  Error unavailable() const;
  void sweep_retired();
  // In a later turn, for connections come and go in it.
  void update_discovered_soon();
  void update_discovered();
  // A server of the configuration, or one that is found.
  bool is_used(const std::string& server) const;
  void name_servers();
  void order_upstreams();
  void alarm_of_discovered(const Upstream& upstream, const Error& reason);

  boost::asio::io_context& loop_;
  BrokerLimits limits_;
  boost::asio::steady_timer deadline_timer_;
  bool deadlines_watched_ = false;
  std::vector<std::unique_ptr<Upstream>> upstreams_;
  Upstream* this_turns_ = nullptr;
  std::size_t servers_ = 0;
  std::size_t first_choice_ = 0;
  AvoidedServers avoided_;
  AvoidedServers followers_;  // are not asked for what is counted
  ServerGroup group_;
  Discovery discovery_;
  std::vector<UpstreamSettings> configured_;
  boost::asio::steady_timer discovery_timer_;
  TimePoint discovered_at_;  // when that was looked at last
  bool discovered_due_ = false;
  bool told_passed_over_ = false;
  std::map<std::string, std::string> told_refusals_;  // by discovered server, what was said last
  boost::asio::steady_timer group_timer_;
  std::map<std::string, std::string> told_differences_;  // by server, what was said of it last
  std::unordered_map<Asker*, std::uint64_t> askers_;     // with the bytes of their requests
  Requests requests_;
  std::set<std::uint64_t> waiting_;  // in order of arrival
  std::uint64_t next_number_ = 1;
  std::uint64_t buffered_bytes_ = 0;
  wire::HelloReply agreed_;
  std::uint64_t told_epoch_ = 0;
  BrokerCounters counters_;
};

}  // namespace nae::agent

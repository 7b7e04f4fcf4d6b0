// AcceptLoop: the part of a listener that does not depend on the kind of socket. Shared by the
// listener and its connections' callbacks, so that either may end first.
#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "libnae/base/repeated_event.hpp"
#include "net/connection.hpp"
#include "net/descriptor.hpp"
#include "net/listener.hpp"
#include "net/silent_departures.hpp"

namespace nae::net {

class AcceptLoop : public std::enable_shared_from_this<AcceptLoop> {
 public:
  using MakeStream = std::function<std::unique_ptr<Stream>(int descriptor)>;
  using ChooseLoop = std::function<boost::asio::io_context&()>;

  struct Settings {
    std::size_t max_connections = 0;
    // Connections of this kind can stay in their handshake: past max_connections a new one takes
    // the place of the one that is in it for longest.
    bool have_handshake = false;
    ConnectionLimits limits;
    MakeStream make_stream;
    ChooseLoop choose_loop;
    Connection::OnOpen on_open;
    PlaceRules places;  // of a socket whose connections all live on the acceptor's loop
  };

  // `descriptor`: bound, listening and non-blocking; owned from here on.
  AcceptLoop(boost::asio::io_context& loop, int descriptor, Settings settings);

  void start();
  std::size_t connections() const;
  void for_each(const std::function<void(Connection&)>& visit);
  void begin_stop(std::function<void()> on_drained);
  void abort_all(const Error& reason);

 private:
  void wait();
  void accept_waiting();
  bool accept_one();
  bool accept_without_descriptors(int error);
  bool somebody_waits();
  void keep_reserve();
  void pause();
  bool is_full() const;
  void add(int descriptor, std::string remote_address);
  void refuse(int descriptor, const std::string& remote_address, const Error& reason);
  bool make_place();
  bool spare_one();
  bool take_place_in_handshake();
  std::unique_ptr<Protocol> opened(Connection& connection);
  void removed(Connection& connection, const Error& reason);
  void log_silent(const Connection& connection);

  boost::asio::posix::stream_descriptor acceptor_;
  boost::asio::steady_timer pause_timer_;
  Settings settings_;
  // Given up where descriptors are lacking, to tell a new connection that they are.
  std::optional<Descriptor> reserve_;
  RepeatedEvent refusals_;
  RepeatedEvent failures_;
  mutable std::mutex mutex_;  // guards what follows
  struct Held {
    std::shared_ptr<Connection> connection;
    std::uint64_t number = 0;  // in order of arrival
    bool dropped = false;
  };
  std::unordered_map<Connection*, Held> connections_;
  std::map<std::uint64_t, Connection*> in_handshake_;
  std::uint64_t accepted_ = 0;
  std::size_t dropped_ = 0;  // still among the connections, on their way out
  std::function<void()> on_drained_;
  bool stopping_ = false;
  SilentDepartures silent_departures_;
};

// The peer's address as logs show it: "192.0.2.1:50312", "[::1]:50312", "unix".
std::string remote_address_of(int descriptor);

}  // namespace nae::net

// Gateway: listens, gives each client a worker, and takes a new configuration or ends without a
// request being lost.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <vector>

#include "gateway/monitoring_listener.hpp"
#include "gateway/worker.hpp"
#include "net/worker_threads.hpp"

namespace nae::gateway {

class Gateway {
 public:
  // On `loop`, whose thread calls all of it.
  Gateway(boost::asio::io_context& loop, Config config);
  ~Gateway();

  // Code::conflict when somebody else listens there; what certificates lack.
  Result<void> start();
  // For requests that begin from now on. `name`, `listen`, `metrics_listen`, `agent_socket` and
  // `workers` stay as they are: Code::conflict where they differ. On an error nothing has changed.
  Result<void> reload(Config config);
  // Accepts nothing more, and ends when what is under way is answered or stop_timeout is over.
  void stop();

 private:
  void accept();
  void pause();
  void drained();
  Result<SharedSettings> settings_of(Config config) const;

  boost::asio::io_context& loop_;
  Config first_;
  SharedSettings settings_;
  Metrics metrics_;
  std::unique_ptr<net::WorkerThreads> threads_;
  std::vector<std::unique_ptr<Worker>> workers_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer pause_, deadline_;
  std::unique_ptr<MonitoringListener> monitoring_;
  std::size_t next_ = 0;
  std::size_t open_ = 0;  // connections
  bool stopping_ = false;
};

}  // namespace nae::gateway

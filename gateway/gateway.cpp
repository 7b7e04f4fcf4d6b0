#include "gateway/gateway.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <thread>

#include "gateway/client_connection.hpp"
#include "libnae/base/log_text.hpp"

namespace nae::gateway {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using ErrorCode = boost::system::error_code;

constexpr std::chrono::seconds kPause{1};      // when no descriptor is left to accept with
constexpr std::chrono::seconds kLinkPause{1};  // between two looks at the connection to the agent

std::size_t workers_of(const Config& config) {
  const std::size_t processors = std::max(1u, std::thread::hardware_concurrency());
  return config.workers > 0 ? config.workers : processors;
}

// While it is away nobody asks, where a balancer goes by /health, and so nobody would find it
// again.
asio::awaitable<void> keep_link_open(Worker& worker) {
  asio::steady_timer timer(worker.loop);
  for (bool is_told = false;; timer.expires_after(kLinkPause)) {
    ErrorCode error;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, error));
    if (worker.draining) co_return;
    auto opened = co_await worker.agent.open(worker.settings->config.limits.agent_timeout);
    if (!opened && !is_told)
      spdlog::warn("event=agent_unavailable code={} reason={}", name(opened.error().code),
                   quoted_text(opened.error().message));
    is_told = !opened;
  }
}

}  // namespace

Gateway::Gateway(asio::io_context& loop, Config config)
    : loop_(loop), first_(std::move(config)), acceptor_(loop), pause_(loop), deadline_(loop) {}

Gateway::~Gateway() {
  if (threads_) threads_->stop();
}

Result<SharedSettings> Gateway::settings_of(Config config) const {
  auto made = std::make_shared<Settings>();
  NAE_ASSIGN(made->client_tls, client_tls(config));
  NAE_ASSIGN(made->upstream_tls, upstream_tls(config));
  made->config = std::move(config);
  return SharedSettings(std::move(made));
}

Result<void> Gateway::start() {
  NAE_ASSIGN(settings_, settings_of(first_));
  const tcp::endpoint endpoint(asio::ip::make_address(first_.listen.host), first_.listen.port);
  ErrorCode error;
  acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(tcp::acceptor::max_listen_connections, error);
  if (error)
    return fail(Code::conflict,
                "cannot listen on " + net::to_string(first_.listen) + ": " + error.message(),
                "Choose another address for listen.");
  threads_ = std::make_unique<net::WorkerThreads>(workers_of(first_), "nae-gateway");
  for (std::size_t i = 0; i < threads_->size(); ++i) {
    workers_.push_back(std::make_unique<Worker>(threads_->loop(i), settings_, metrics_));
    asio::co_spawn(threads_->loop(i), keep_link_open(*workers_.back()), asio::detached);
  }
  if (first_.metrics_listen) {
    const auto is_up = [this] {
      return std::ranges::all_of(workers_, [](const auto& each) { return each->agent.is_open(); });
    };
    NAE_ASSIGN(monitoring_,
               MonitoringListener::listen(loop_, *first_.metrics_listen, metrics_, is_up));
  }
  const auto local = acceptor_.local_endpoint();
  spdlog::info("event=listening address={} port={} tls={} workers={} routes={}",
               local.address().to_string(), local.port(), settings_->client_tls != nullptr,
               workers_.size(), settings_->config.routes.routes().size());
  accept();
  return {};
}

Result<void> Gateway::reload(Config config) {
  if (config.listen != first_.listen || config.metrics_listen != first_.metrics_listen ||
      config.agent_socket != first_.agent_socket || config.name != first_.name ||
      config.workers != first_.workers)
    return fail(Code::conflict,
                "name, listen, metrics_listen, agent_socket and workers change by a restart alone");
  NAE_ASSIGN(settings_, settings_of(std::move(config)));
  for (auto& worker : workers_)
    asio::post(worker->loop, [&worker = *worker, settings = settings_] {
      worker.settings = settings;
      worker.upstream.clear();
    });
  ++metrics_.reloads;
  return {};
}

void Gateway::accept() {
  Worker& worker = *workers_[next_++ % workers_.size()];
  acceptor_.async_accept(worker.loop, [this, &worker](ErrorCode error, tcp::socket socket) {
    if (error == asio::error::operation_aborted) return;
    if (!error && open_ >= settings_->config.limits.max_connections) {
      ++metrics_.connections_refused;
      socket.close(error);
      return accept();
    }
    if (error) return pause();
    ++open_;
    const auto on_end = [this] {
      asio::post(loop_, [this] {
        --open_;
        drained();
      });
    };
    asio::post(worker.loop, [&worker, taken = std::move(socket), on_end]() mutable {
      ClientConnection::begin(worker, std::move(taken), on_end);
    });
    accept();
  });
}

void Gateway::pause() {
  pause_.expires_after(kPause);
  pause_.async_wait([this](ErrorCode error) {
    if (!error) accept();
  });
}

void Gateway::stop() {
  if (stopping_) return;
  stopping_ = true;
  ErrorCode ignored;
  acceptor_.close(ignored);
  pause_.cancel();
  for (auto& worker : workers_)
    asio::post(worker->loop, [&worker = *worker] {
      worker.draining = true;
      for (Drained* each : worker.connections) each->drain();
    });
  deadline_.expires_after(settings_->config.limits.stop_timeout);
  deadline_.async_wait([this](ErrorCode error) {
    if (error) return;
    spdlog::warn("event=stop_timeout connections={}", open_);
    for (auto& worker : workers_)
      asio::post(worker->loop, [&worker = *worker] {
        for (Drained* each : worker.connections) each->abort();
      });
  });
  drained();
}

void Gateway::drained() {
  if (!stopping_ || open_ > 0) return;
  deadline_.cancel();
  monitoring_.reset();
  threads_->stop();
  loop_.stop();
}

}  // namespace nae::gateway

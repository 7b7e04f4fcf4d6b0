#include "keyserver/server/starter.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <optional>
#include <thread>

#include "keyserver/server/startable.hpp"
#include "keyserver/server/waiting_room.hpp"
#include "libnae/base/log_text.hpp"
#include "net/service_manager.hpp"
#include "net/signals.hpp"

namespace nae::server {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;
using Attempt = Result<std::unique_ptr<Startable>>;

// What was mended is noticed within a second; a store that takes long to check is not checked all
// the time.
constexpr milliseconds kShortestPause{500};
constexpr milliseconds kLongestPause{10'000};
// An attempt that takes longer shows as not ready: a module may hang in its first call.
constexpr milliseconds kPatience{2'000};
constexpr milliseconds kStopGrace{5'000};
constexpr milliseconds kStorePatience{500};  // of a stop
constexpr std::chrono::minutes kStartBudget{5};

Error told_while(admin::StartPart part) {
  if (part == admin::StartPart::group)
    return Error(Code::timeout,
                 "it waits until every key server that answers has what this one has",
                 "See 'nae node list' on one that follows; who is silent is waited for as long as "
                 "its lease lasts.");
  return Error(Code::timeout, "its " + std::string(name(part)) + " is being opened",
               "Look at the HSM when it takes longer than a minute.");
}

// Of the last part the store is what is asked.
std::string asked_by(admin::StartPart part) {
  return std::string(name(part == admin::StartPart::group ? admin::StartPart::store : part));
}

// Shared with the thread of an attempt: one that hangs outlives the starter.
struct Shared {
  Shared(config::Config configured, const Succession& succession) : config(std::move(configured)) {
    opening.store.charge = succession.charge;
    if (succession.presence) opening.store.presence.emplace(*succession.presence);
    opening.store.watch = succession.watch;
    if (succession.given_up) opening.store.given_up = succession.given_up;
    if (succession.charge) opening.store.taken_at = Clock::now();
  }
  const config::Config config;
  Opening opening;
  boost::asio::io_context loop{1};
};

class Starter {
 public:
  Starter(const config::Config& config, const Succession& succession)
      : shared_(std::make_shared<Shared>(config, succession)),
        signals_(
            shared_->loop, [this](int) { stop(); }, [this] { retry_now(); }),
        timer_(shared_->loop),
        budget_(shared_->loop) {}
  ~Starter() {
    if (thread_.joinable()) thread_.detach();
  }

  Result<std::unique_ptr<Server>> start() {
    attempt();
    shared_->loop.run();
    if (error_) return fail(*std::move(error_));
    return std::unique_ptr<Server>(std::move(server_));
  }

 private:
  void attempt() {
    begun_ = Clock::now();
    running_ = true;
    watch_budget();
    thread_ = std::thread([this, shared = shared_] {
      auto made = std::make_shared<Attempt>(prepare(shared->config, shared->opening));
      // Of one that followed and cannot serve now: another one can (G8).
      if (!*made) shared->opening.store.charge.reset();
      // Not run any more when the starter has gone.
      boost::asio::post(shared->loop, [this, made] { attempted(std::move(*made)); });
    });
    after(kPatience, [this] {
      if (!running_) return;
      const admin::StartPart part = shared_->opening.part;
      report({part, told_while(part)});
    });
  }

  // From when the lease was taken, looked at by the minute: the attempt is another thread's.
  void watch_budget() {
    budget_.expires_after(kStartBudget / 10);
    budget_.async_wait([this](const boost::system::error_code& error) {
      if (error || !running_) return;
      const auto taken = shared_->opening.store.taken_at.load();
      const admin::StartPart part = shared_->opening.part;
      if (taken != Clock::time_point() && is_over_budget(part, Clock::now() - taken))
        end_without_lease(Error(Code::timeout, "the start took too long while others wait: its " +
                                                   asked_by(part) + " is still being opened"));
      watch_budget();
    });
  }

  void attempted(Attempt made) {
    thread_.join();
    running_ = false;
    timer_.cancel();
    budget_.cancel();
    shared_->opening.store.taken_at = Clock::time_point();
    if (stopping_) {
      if (made) made->reset();
      if (*shared_->opening.store.given_up) return shared_->loop.stop();
      leave();  // it may have said meanwhile that it waits
      return bound_stop();
    }
    Result<void> done = made ? Result<void>{} : fail(made.error());
    if (made) {
      room_.reset();  // it has the port
      done = (*made)->listen();
    }
    if (done) {
      if (told_) spdlog::info("event=start-trouble-over");
      server_ = std::move(*made);
      return shared_->loop.stop();
    }
    const admin::StartPart part = shared_->opening.part;
    if (!may_pass(part, done.error().code)) return give_up(done.error());
    if (made) made->reset();
    report({part, done.error()});
    const auto took = std::chrono::duration_cast<milliseconds>(Clock::now() - begun_);
    if (!error_) after(pause_after(shared_->config, took), [this] { attempt(); });
  }

  void report(admin::StartFailure now) {
    if (!told_ || told_->error != now.error) {
      spdlog::error("event=waiting-to-start part={} code={} message={} hint={}", name(now.part),
                    nae::name(now.error.code), quoted_text(now.error.message),
                    quoted_text(now.error.hint_or_default()));
      net::tell_status("waiting for " + std::string(name(now.part)) + ": " + now.error.message);
    }
    told_ = now;
    if (room_) return room_->tell(std::move(now));
    auto room = WaitingRoom::open(shared_->config, std::move(now));
    if (!room) return give_up(room.error());
    room_ = std::move(*room);
  }

  void give_up(Error error) {
    error_ = std::move(error);
    shared_->loop.stop();
  }

  void stop() {
    if (std::exchange(stopping_, true)) return;
    shared_->opening.told_to_stop.request_stop();
    if (!running_) leave();
    bound_stop();
  }

  void bound_stop() {
    // A store that swallows what it is asked is not waited for.
    after(kStorePatience, [this] {
      *shared_->opening.store.given_up = true;
      after(kStopGrace, [this] { stop_at_last(); });
    });
  }

  // The others need not wait for this run's name.
  void leave() {
    running_ = true;
    thread_ = std::thread([this, shared = shared_] {
      leave_store(shared->config, shared->opening.store);
      boost::asio::post(shared->loop, [this] {
        thread_.join();
        shared_->loop.stop();
      });
    });
  }

  void stop_at_last() {
    give_up(Error(Code::hsm_unavailable, "it was asked to stop while it started, and its " +
                                             asked_by(shared_->opening.part) + " does not answer"));
  }

  void retry_now() {
    if (room_) room_->reload(shared_->config);
    if (!running_) after(milliseconds(0), [this] { attempt(); });
  }

  template <class Then>
  void after(milliseconds pause, Then then) {
    timer_.expires_after(pause);
    timer_.async_wait([then](const boost::system::error_code& error) {
      if (!error) then();
    });
  }

  std::shared_ptr<Shared> shared_;
  net::Signals signals_;
  boost::asio::steady_timer timer_, budget_;
  std::thread thread_;
  Clock::time_point begun_;
  bool running_ = false;
  bool stopping_ = false;
  std::optional<admin::StartFailure> told_;
  std::unique_ptr<WaitingRoom> room_;
  std::unique_ptr<Startable> server_;
  std::optional<Error> error_;
};

}  // namespace

milliseconds pause_after(const config::Config& config, milliseconds took) {
  milliseconds longest = kLongestPause;
  if (!config.store.url.empty())
    longest = std::clamp(milliseconds(config.store.lease) / 3, kShortestPause, kLongestPause);
  return std::clamp(took, kShortestPause, longest);
}

bool is_over_budget(admin::StartPart part, std::chrono::steady_clock::duration held) {
  return part != admin::StartPart::group && held > kStartBudget;
}

Result<std::unique_ptr<Server>> start_or_wait(const config::Config& config,
                                              std::shared_ptr<Succession> succession) {
  Starter starter(config, succession ? *succession : Succession());
  succession.reset();  // a charge that a failed attempt gives back is held by nobody else
  return starter.start();
}

Result<bool> serve(const config::Config& config) {
  NAE_ASSIGN(auto server, Server::start(config));
  while (server != nullptr) {
    if (!server->run()) {
      static_cast<void>(server.release());  // its thread is still in the HSM's module
      return false;
    }
    auto succession = server->succession();
    if (!succession) return true;
    server.reset();
    NAE_ASSIGN(server, Server::start(config, std::move(succession)));
  }
  return true;
}

}  // namespace nae::server

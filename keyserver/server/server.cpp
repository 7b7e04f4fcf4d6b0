#include "keyserver/server/server.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <future>
#include <thread>

#include "keyserver/admin/admin_service.hpp"
#include "keyserver/admin/audit_checker.hpp"
#include "keyserver/admin/key_scheduler.hpp"
#include "keyserver/admin/standing_reader.hpp"
#include "keyserver/admin/state_digest.hpp"
#include "keyserver/audit/log.hpp"
#include "keyserver/group/acknowledgement.hpp"
#include "keyserver/hsm/hsm_queue.hpp"
#include "keyserver/protocols/http/http_protocol.hpp"
#include "keyserver/protocols/nae1/admission.hpp"
#include "keyserver/server/approvals_at_start.hpp"
#include "keyserver/server/audit_watch.hpp"
#include "keyserver/server/backup_spool.hpp"
#include "keyserver/server/certificate_watch.hpp"
#include "keyserver/server/clock_watch.hpp"
#include "keyserver/server/followed_changes.hpp"
#include "keyserver/server/follower.hpp"
#include "keyserver/server/keys_elsewhere.hpp"
#include "keyserver/server/limit_keeper.hpp"
#include "keyserver/server/machine_watch.hpp"
#include "keyserver/server/nodes_watch.hpp"
#include "keyserver/server/opened.hpp"
#include "keyserver/server/own_custody.hpp"
#include "keyserver/server/part_options.hpp"
#include "keyserver/server/read_time.hpp"
#include "keyserver/server/startable.hpp"
#include "keyserver/server/starter.hpp"
#include "keyserver/server/store_and_log.hpp"
#include "keyserver/server/store_memory.hpp"
#include "keyserver/server/store_probe.hpp"
#include "keyserver/server/under_lease.hpp"
#include "libnae/base/clock.hpp"
#include "libnae/base/log_text.hpp"
#include "libnae/crypto/certificate.hpp"
#include "libnae/crypto/gcm.hpp"
#include "net/listener.hpp"
#include "net/service_manager.hpp"
#include "net/signals.hpp"

namespace nae::server {
namespace {

constexpr std::chrono::seconds kExpireInterval{60};
// A device that takes nothing of what was decided before a revocation is cut off after so long.
constexpr std::chrono::milliseconds kSettleTime{5'000};
constexpr std::chrono::milliseconds kLookAhead{1'000};

void tell_change(net::Listener& listener) {
  listener.for_each([](net::Connection& connection) { connection.tell_change(); });
}

class Running final : public Startable {
 public:
  Running(const config::Config& config, Opened opened)
      : config_(config),
        gcm_(crypto::fastest_gcm()),
        store_(std::move(opened.store)),
        follower_(follower_of(std::move(opened.followed), opened.watch)),
        tenure_(std::move(opened.tenure)),
        watch_(std::move(opened.watch)),
        given_up_(std::move(opened.given_up)),
        policy_(std::move(opened.policy)),
        approval_(std::move(opened.approval)),
        bound_keys_(std::move(opened.bound_keys)),
        begun_ledger_(std::move(opened.begun_ledger)),
        authority_(std::move(opened.authority)),
        settings_(settings_of(config, std::move(opened.server_id))),
        hsm_(std::move(opened.hsm), queue_options(config)),
        ring_(
            *store_, follower_ ? nullptr : store_.get(),
            [this](keys::HsmJob job) { return hsm_.call(std::move(job), config_.hsm.timeout); },
            ring_options(config, clock_,
                         [this](keys::HsmJob job) {
                           return hsm_.call(std::move(job),
                                            std::max(config_.hsm.timeout, keys::kMakingKey));
                         })),
        working_keys_(*gcm_, working_key_options(config, image_, ring_)),
        expire_unused_(loop_, kExpireInterval,
                       [this] {
                         working_keys_.expire();
                         limits_.expire(clock_.steady_us());
                         boost::asio::post(background_, [this] {
                           if (backups_) backups_->expire();
                         });
                       }),
        limit_keeper_(background_, limits_, *store_, clock_),
        clock_watch_(
            background_, clock_, follower_ ? static_cast<keys::TimeKeeper&>(read_time_) : *store_,
            [this](auto event, const auto& detail) { return record_event(event, detail); }),
        remember_store_(background_, config.store.lease / 3, [this] { store_memory_.keep(); }),
        look_ahead_(background_, kLookAhead, [this] { acknowledgement_->look_ahead(); }),
        certificate_watch_(background_, config_, *store_, ring_, authority_, metrics_.registry()) {}

  ~Running() override {
    if (follower_) follower_->stop();
    listener_.reset();
    workers_.reset();
    admin_.reset();
    checker_.reset();
    audit_.reset();  // may ask background_ for a head
    probe_.reset();
  }

  // Everything but the port.
  Result<void> prepare() {
    if (follower_) {
      NAE_ASSIGN(read_, bring_in_force());
    } else {
      NAE_TRY(ring_.load());
      NAE_TRY(devices_.reload());
      NAE_TRY(admins_.reload());
    }
    // What was made on the token of another key server is served there alone.
    if (tenure_) NAE_TRY(name_keys_elsewhere(ring_, not_on_token_));
    if (tenure_ && !follower_)
      acknowledgement_.emplace(group::Acknowledgement::Options{
          config_.store.lease, [this] { return store_->list_followers(); }});
    for (protocols::CertificateRegister* certificates : {&devices_, &admins_})
      certificates->on_change([this] {
        if (!follower_ || listener_) end_removed();
      });
    NAE_TRY(open_audit());
    NAE_TRY(take_custodians());
    NAE_TRY(clock_watch_.begin(audit_->health().newest_at_us));
    if (!follower_) NAE_TRY(limit_keeper_.load());
    NAE_TRY(finish_binding());
    NAE_TRY(finish_ledger());
    operations::Parts core{ring_,   working_keys_, public_keys_, hsm_,     *policy_,
                           limits_, clock_,        metrics_,     settings_};
    core.follows = follower_.has_value();
    parts_.emplace(nae1::Parts{std::move(core), *audit_, devices_, seats_of(config_),
                               memory_of(config_), nae_settings_});
    if (!follower_) {
      NAE_TRY(interrupt_approvals(
          *store_, [this](auto event, const auto& detail) { return record_event(event, detail); }));
      NAE_TRY(warn_of_missing_approvers(*store_, approval_));
    }
    nodes_watch_.emplace(background_, config_, *store_, *parts_->nodes,
                         [this] { tell_change(*listener_); });
    open_admin();
    if (scheduler_) scheduler_->run_due();  // what fell due while the server was down
    tell_state(nullptr);
    return {};
  }

  // The last step before the port: it waits for other key servers, and for no module.
  Result<void> meet_others(Opening& opening) {
    if (!acknowledgement_) return follower_ ? follower_->join(read_) : Result<void>{};
    opening.part = admin::StartPart::group;
    // Of whoever was in charge before, what nobody was told of may not be in force everywhere.
    return acknowledgement_->wait(store_->ledger_head(), opening.told_to_stop.get_token());
  }

  Result<void> listen() override {
    NAE_ASSIGN(auto context, net::TlsContext::server(tls_files(config_)));
    workers_ =
        std::make_unique<net::WorkerThreads>(worker_count(config_.server.threads), "nae-worker");
    NAE_ASSIGN(net::TlsListenerOptions options, listener_options(config_));
    // Where answers leave: what was decided while the lease held must not be said after it.
    if (tenure_) options.limits.before_write = answers_by(tenure_);
    NAE_ASSIGN(listener_, net::listen_tls(*workers_, std::move(context),
                                          {{net::kAlpnNae, nae1::protocol_for(*parts_)},
                                           {net::kAlpnHttp, admin_->protocol()}},
                                          options));
    is_listening_.set_value(listener_.get());
    if (follower_) follower_->start();
    if (audit_->health().interrupted)
      NAE_TRY(record_event("interrupted",
                           "no stop is recorded before this: the server was killed or "
                           "its machine failed"));
    return record_event("started", settings_.software + " " + listener_->address() +
                                       "; when the audit log fails: " + on_audit_failure(config_) +
                                       (follower_ ? "; follows " + follower_->in_charge() : ""));
  }

  bool run() override {
    net::Signals signals(
        loop_,
        [this](int) {
          told_to_stop_ = true;
          loop_.stop();
        },
        [this] { reload_certificates(); });
    audit_watch_->start();
    expire_unused_.start();
    machine_.start(loop_);
    if (!follower_) limit_keeper_.start();
    clock_watch_.start();
    certificate_watch_.start();
    if (watch_) remember_store_.start();
    nodes_watch_->start();
    if (acknowledgement_) look_ahead_.start();
    if (scheduler_) scheduler_->start();
    checker_->start();
    background_thread_ = std::thread([this] {
      const auto waits = boost::asio::make_work_guard(background_);
      background_.run();
    });
    spdlog::info("event=ready address={} gcm={} keys={} policy_revision={} follows={}",
                 listener_->address(), gcm_->name(), ring_.size(), policy_->snapshot()->number,
                 follower_ ? quoted_text(follower_->in_charge()) : "nobody");
    net::tell_ready("serving at " + listener_->address());
    loop_.run();
    return stop();
  }

  std::shared_ptr<Succession> succession() const override {
    return follower_ ? follower_->succession() : nullptr;
  }
  const std::string& address() const override { return listener_->address(); }

 private:
  std::optional<Follower> follower_of(std::optional<FollowedStore> followed,
                                      std::shared_ptr<group::StoreWatch> watch) {
    if (!followed) return std::nullopt;
    return std::make_optional<Follower>(
        config_, *std::move(followed),
        Follower::Parts{*store_, std::move(watch), [this] { return bring_in_force(); },
                        [this] {
                          return hsm_.call([](keys::Hsm& hsm) { return hsm.check(); },
                                           std::min<std::chrono::milliseconds>(
                                               config_.hsm.timeout, config_.store.lease / 3));
                        },
                        [this] { loop_.stop(); }});
  }

  Result<store::LedgerPoint> bring_in_force() {
    NAE_ASSIGN(const store::LedgerPoint newest, changes_.take_in());
    if (!listener_) return newest;
    NAE_TRY(settle());
    tell_state(listener_.get());
    spdlog::info("event=applied change={}", newest.epoch);
    return newest;
  }

  Result<void> open_audit() {
    audit::LogOptions options = log_options(config_);
    options.head_due = [this] {
      boost::asio::post(background_, [this] { audit_watch_->sign_head(); });
    };
    options.alarm = [this] { boost::asio::post(background_, [this] { audit_watch_->look(); }); };
    options.head_keeper = store_.get();
    options.store_point = [this] { return store_point(*store_); };
    auto ask = [this](keys::Hsm& hsm) { return log_of_store(config_.audit.directory, hsm); };
    NAE_ASSIGN(const LogOfStore log, hsm_.call(ask, config_.hsm.timeout));
    options.public_key_pem = log.public_key_pem;
    checks_.emplace(config_.audit.directory, options.public_key_pem);
    options.sign = [this](ByteView head) -> Result<Bytes> {
      return hsm_.call([message = Bytes(head.begin(), head.end())](
                           keys::Hsm& hsm) { return hsm.sign_as(keys::ServerKey::audit, message); },
                       config_.hsm.timeout);
    };
    options.check_start = [this, log] { return check_store_and_log(*store_, log); };
    NAE_ASSIGN(audit_, audit::Log::open(std::move(options)));
    audit_watch_.emplace(background_, config_, *store_, *audit_);
    return {};
  }

  Result<void> take_custodians() {
    BackupSpool::clear(config_);
    if (!approval_.custodians) return {};
    auto ask = [](keys::Hsm& hsm) { return hsm.public_key_of(keys::ServerKey::audit); };
    NAE_ASSIGN(const Bytes audit_key, hsm_.call(ask, config_.hsm.timeout));
    NAE_TRY(check_custodians(config_, *store_, *approval_.custodians, audit_key));
    presences_.emplace(approval_.custodians);
    if (config_.store.path.empty()) return {};
    backups_.emplace(
        config_,
        [this](std::function<Result<BackupSpool::Keyed>(keys::Hsm&)> job) {
          return hsm_.call(std::move(job), std::max(config_.hsm.timeout, keys::kMakingKey));
        },
        approval_.custodians, *gcm_, [this] { return clock_.steady_us(); });
    return {};
  }

  void open_admin() {
    if (tenure_)
      group_.emplace(UnderLease::Parts{*tenure_, *watch_, *store_, not_on_token_,
                                       follower_ ? &*follower_ : nullptr,
                                       acknowledgement_ ? &*acknowledgement_ : nullptr});
    admin::AdminParts parts{
        .keys = {ring_, working_keys_, hsm_},
        .policy = *policy_,
        .store = {*store_, backups_ ? &*backups_ : nullptr, [this] { return probe_->ask(); }},
        .audit = {*audit_, config_.audit.directory, &*checks_},
        .certificates = {devices_, admins_, authority_, config_.tls.certificate,
                         config_.server.device_renewal},
        .metrics = metrics_,
        .settings = settings_,
        .clock = clock_,
        .approval = {approval_, presences_ ? &*presences_ : nullptr},
        .change = {[this] { return settle(); }, [this] { changed(listening_.get()); }},
        .group = group_ ? &*group_ : nullptr};
    auto admits = [this](const net::PeerIdentity& peer) {
      return (peer.kind == net::PeerKind::admin ? admins_ : devices_).admits(peer);
    };
    admin_.emplace(std::make_unique<admin::AdminService>(parts), std::move(admits),
                   http_limits(config_), gate_limits(config_));
    // Before there is a listener nobody is waiting for an answer.
    const admin::ChangeParts change{[this] { return listener_ ? settle() : Result<void>{}; },
                                    [this] { changed(listener_.get()); }};
    if (!follower_)
      scheduler_.emplace(admin::KeyScheduler::Parts{parts.keys, *policy_, *audit_, clock_, change});
    checker_.emplace(*checks_, *audit_);
  }

  // Rows of an older server were believed this once; without the record of it they are again.
  Result<void> finish_binding() {
    if (!bound_keys_) return {};
    spdlog::warn("event=keys-bound message={}", quoted_text(bound_keys_->detail));
    NAE_TRY(record_event("keys-bound", bound_keys_->detail));
    return hsm_.call([](keys::Hsm& hsm) { return hsm.finish_binding(); }, config_.hsm.timeout);
  }

  Result<void> finish_ledger() {
    if (!begun_ledger_) return {};
    spdlog::warn("event=ledger-begun message={}", quoted_text(begun_ledger_->detail));
    NAE_TRY(record_event("ledger-begun", begun_ledger_->detail));
    // From the moment on that the token holds the ledger a head has to tell of the store.
    NAE_TRY(audit_->sign_head());
    return hsm_.call([](keys::Hsm& hsm) { return hsm.finish_ledger(); }, config_.hsm.timeout);
  }

  // The store must not be put back unseen behind a change: a head that knows of it is signed at
  // once, one for all changes that come meanwhile.
  void changed(net::Listener* listener) {
    tell_state(listener);
    if (head_is_due_.exchange(true)) return;
    boost::asio::post(background_, [this] {
      head_is_due_ = false;
      audit_watch_->sign_head();
    });
  }

  // After each change, and once before the server listens. Agents are told in the next turn of
  // their connection's loop.
  void tell_state(net::Listener* listener) {
    if (state_digest_.update(*parts_->state) && listener != nullptr) tell_change(*listener);
  }

  // Whoever was removed keeps no connection, and with it nobody's place.
  void end_removed() {
    listening_.get()->for_each([](net::Connection& connection) { connection.reexamine(); });
  }

  // On a thread of administration, whose calls may come as soon as the listener is there.
  Result<void> settle() {
    const auto time = follower_ ? follower_->time_to_settle(kSettleTime) : kSettleTime;
    return settle_answers(*listening_.get(), time);
  }

  Result<void> record_event(std::string_view event, const std::string& detail) {
    audit::Batch batch;
    batch.add(audit::EventRecord{unix_time_us(), event, detail});
    return audit_->append(batch);
  }

  void reload_certificates() {
    auto context = net::TlsContext::server(tls_files(config_));
    if (!context) {
      spdlog::error("event=reload-failed code={} message={}", name(context.error().code),
                    quoted_text(context.error().message));
      return;
    }
    listener_->replace_context(std::move(*context));
    spdlog::info("event=reloaded");
    boost::asio::post(background_, [this] {
      certificate_watch_.look();
      certificate_watch_.record_own(
          [this](auto event, const auto& detail) { return record_event(event, detail); });
    });
  }

  bool stop() {
    // Else it begins anew: what it has taken then is renewed by calls that are given up with these.
    if (told_to_stop_) net::tell_stopping();
    if (acknowledgement_) acknowledgement_->stop();
    if (told_to_stop_ && given_up_) probe_->give_up_dark_store(*given_up_);
    background_.stop();
    background_thread_.join();
    if (follower_) follower_->stop();  // which may take charge at this moment
    spdlog::info("event=stopping connections={}", listener_->connections());
    const auto patience = config_.server.stop_timeout;
    const std::size_t cut =
        listener_->stop(follower_ ? follower_->time_to_finish(patience) : patience);
    workers_->stop();
    if (!follower_) limit_keeper_.save();
    clock_watch_.save();
    if (watch_) store_memory_.keep();
    admin_.reset();
    if (scheduler_) scheduler_->stop();
    checker_->stop();
    // A signal that came since.
    loop_.restart();
    loop_.poll();
    if (auto recorded = record_event("stopped", "connections cut: " + std::to_string(cut));
        !recorded)
      spdlog::error("event=audit-failed message={}", quoted_text(recorded.error().message));
    audit_.reset();  // signs the last head, which needs the HSM
    if (follower_ && told_to_stop_) follower_->leave();
    const bool stopped = hsm_.stop();
    if (!stopped) spdlog::error("event=hsm-hangs");
    spdlog::info("event=stopped connections_cut={}", cut);
    return stopped;
  }

  const config::Config config_;
  std::unique_ptr<const crypto::GcmProvider> gcm_;
  std::unique_ptr<store::Store> store_;
  std::optional<Follower> follower_;  // nothing: this one is in charge
  ReadTime read_time_{*store_};
  store::LedgerPoint read_;                                // of one that follows, before it joins
  std::optional<group::Acknowledgement> acknowledgement_;  // of one in charge of a group
  const std::shared_ptr<const group::Tenure> tenure_;      // of a store that others may take over
  const std::shared_ptr<group::StoreWatch> watch_;         // the same
  const std::shared_ptr<std::atomic<bool>> given_up_;      // the same
  std::optional<StoreProbe> probe_{[this] { return store_->check(); }};
  StoreMemory store_memory_{watch_};
  std::unique_ptr<policy::PolicyBook> policy_;
  admin::ApprovalRules approval_;
  std::optional<admin::Presences> presences_;  // of custodians' cards
  std::optional<BackupSpool> backups_;         // that those cards have granted
  std::optional<setup::BoundKeys> bound_keys_;
  std::optional<setup::BegunLedger> begun_ledger_;
  std::vector<std::string> not_on_token_;
  std::optional<UnderLease> group_;  // of a store that others may take over
  std::atomic<bool> head_is_due_ = false;
  std::string authority_;
  operations::Settings settings_;
  const nae1::Settings nae_settings_ = nae_settings_of(config_);
  keys::TrustedTime clock_;
  hsm::HsmQueue hsm_;
  keys::KeyRing ring_;
  std::shared_ptr<keys::ProcessImage> image_ = std::make_shared<keys::ProcessImage>();
  keys::WorkingKeys working_keys_;
  operations::PublicKeys public_keys_;
  policy::LimitBook limits_;
  metrics::Metrics metrics_;
  protocols::CertificateRegister devices_{admin::device_reader(*store_),
                                          protocols::UnknownNames::admitted};
  protocols::CertificateRegister admins_{admin::admin_reader(*store_),
                                         protocols::UnknownNames::refused};
  admin::StateDigest state_digest_{ring_, *policy_, devices_};
  FollowedChanges changes_{{*store_, ring_, *policy_, devices_, admins_, working_keys_}};
  std::unique_ptr<audit::Log> audit_;
  std::optional<nae1::Parts> parts_;
  std::optional<audit::SegmentChecks> checks_;
  std::optional<admin::AuditChecker> checker_;
  std::optional<http::HttpProtocols> admin_;
  std::optional<admin::KeyScheduler> scheduler_;
  // Of signals and what waits for nobody; and of what may wait for the store or the HSM.
  boost::asio::io_context loop_{1}, background_{1};
  bool told_to_stop_ = false;  // by a signal; of loop_'s thread
  std::thread background_thread_;
  std::optional<AuditWatch> audit_watch_;
  std::optional<NodesWatch> nodes_watch_;
  Repeating expire_unused_;
  LimitKeeper limit_keeper_;
  ClockWatch clock_watch_;
  Repeating remember_store_;
  Repeating look_ahead_;
  CertificateWatch certificate_watch_;
  MachineWatch machine_{image_};
  std::unique_ptr<net::WorkerThreads> workers_;
  std::unique_ptr<net::Listener> listener_;
  std::promise<net::Listener*> is_listening_;
  std::shared_future<net::Listener*> listening_{is_listening_.get_future()};
};

}  // namespace

Result<std::unique_ptr<Startable>> prepare(const config::Config& config, Opening& opening) {
  NAE_ASSIGN(Opened opened, open_parts(config, opening));
  auto running = std::make_unique<Running>(config, std::move(opened));
  opening.part = admin::StartPart::audit;
  NAE_TRY(running->prepare());
  opening.part = admin::StartPart::store;
  NAE_TRY(running->meet_others(opening));
  opening.part = admin::StartPart::audit;  // which listen() needs
  return std::unique_ptr<Startable>(std::move(running));
}

Result<std::unique_ptr<Server>> Server::start(const config::Config& config,
                                              std::shared_ptr<Succession> succession) {
  return start_or_wait(config, std::move(succession));
}

}  // namespace nae::server

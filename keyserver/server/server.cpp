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
#include "keyserver/hsm/hsm_queue.hpp"
#include "keyserver/protocols/http/http_protocol.hpp"
#include "keyserver/protocols/nae1/admission.hpp"
#include "keyserver/server/approvals_at_start.hpp"
#include "keyserver/server/audit_watch.hpp"
#include "keyserver/server/backup_spool.hpp"
#include "keyserver/server/certificate_watch.hpp"
#include "keyserver/server/clock_watch.hpp"
#include "keyserver/server/limit_keeper.hpp"
#include "keyserver/server/machine_watch.hpp"
#include "keyserver/server/opened.hpp"
#include "keyserver/server/own_custody.hpp"
#include "keyserver/server/part_options.hpp"
#include "keyserver/server/startable.hpp"
#include "keyserver/server/starter.hpp"
#include "keyserver/server/store_and_log.hpp"
#include "keyserver/server/store_probe.hpp"
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
constexpr std::chrono::seconds kSettleTime{5};
// A store that does not answer within this time of a stop is not asked any more.
constexpr std::chrono::milliseconds kStoreEndTime{900};

class Running final : public Startable {
 public:
  Running(const config::Config& config, Opened opened)
      : config_(config),
        gcm_(crypto::fastest_gcm()),
        store_(std::move(opened.store)),
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
            *store_,
            [this](keys::HsmJob job) { return hsm_.call(std::move(job), config_.hsm.timeout); },
            ring_options(config, clock_,
                         [this](keys::HsmJob job) {
                           return hsm_.call(std::move(job),
                                            std::max(config_.hsm.timeout, keys::kMakingKey));
                         })),
        working_keys_(*gcm_, working_key_options(config, image_)),
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
            background_, clock_, *store_,
            [this](auto event, const auto& detail) { return record_event(event, detail); }),
        remember_store_(background_, config.store.lease / 3, [this] { remember_store(); }),
        certificate_watch_(background_, config_, *store_, ring_, authority_, metrics_.registry()) {}

  ~Running() override {
    listener_.reset();
    workers_.reset();
    admin_.reset();
    checker_.reset();
    audit_.reset();  // may ask background_ for a head
    probe_.reset();
  }

  // Everything but the port.
  Result<void> prepare() {
    NAE_TRY(ring_.load());
    if (tenure_) NAE_TRY(look_for_token_keys());
    NAE_TRY(devices_.reload());
    NAE_TRY(admins_.reload());
    for (protocols::CertificateRegister* certificates : {&devices_, &admins_})
      certificates->on_change([this] { end_removed(); });
    NAE_TRY(open_audit());
    NAE_TRY(take_custodians());
    NAE_TRY(clock_watch_.begin(audit_->health().newest_at_us));
    NAE_TRY(limit_keeper_.load());
    NAE_TRY(finish_binding());
    NAE_TRY(finish_ledger());
    parts_.emplace(nae1::Parts{
        {ring_, working_keys_, public_keys_, hsm_, *policy_, limits_, clock_, metrics_, settings_},
        *audit_,
        devices_,
        seats_of(config_),
        memory_of(config_),
        nae_settings_});
    NAE_TRY(interrupt_approvals(
        *store_, [this](auto event, const auto& detail) { return record_event(event, detail); }));
    NAE_TRY(warn_of_missing_approvers(*store_, approval_));
    open_admin();
    scheduler_->run_due();  // what fell due while the server was down
    tell_state(nullptr);
    return {};
  }

  Result<void> listen() override {
    NAE_ASSIGN(auto context, net::TlsContext::server(tls_files(config_)));
    workers_ =
        std::make_unique<net::WorkerThreads>(worker_count(config_.server.threads), "nae-worker");
    NAE_ASSIGN(net::TlsListenerOptions options, listener_options(config_));
    // Where answers leave: what was decided while the lease held must not be said after it.
    if (tenure_)
      options.limits.before_write = [tenure = tenure_.get()] {
        if (!tenure->holds())
          end_without_lease(Error(Code::server_unavailable, "the lease of the store has ended"));
      };
    NAE_ASSIGN(listener_, net::listen_tls(*workers_, std::move(context),
                                          {{net::kAlpnNae, nae1::protocol_for(*parts_)},
                                           {net::kAlpnHttp, admin_->protocol()}},
                                          options));
    is_listening_.set_value(listener_.get());
    if (audit_->health().interrupted)
      NAE_TRY(record_event("interrupted",
                           "no stop is recorded before this: the server was killed or "
                           "its machine failed"));
    return record_event("started", settings_.software + " " + listener_->address() +
                                       "; when the audit log fails: " + on_audit_failure(config_));
  }

  bool run() override {
    net::Signals signals(
        loop_, [this](int) { loop_.stop(); }, [this] { reload_certificates(); });
    audit_watch_->start();
    expire_unused_.start();
    machine_.start(loop_);
    limit_keeper_.start();
    clock_watch_.start();
    certificate_watch_.start();
    if (watch_) remember_store_.start();
    scheduler_->start();
    checker_->start();
    background_thread_ = std::thread([this] {
      const auto waits = boost::asio::make_work_guard(background_);
      background_.run();
    });
    spdlog::info("event=ready address={} gcm={} keys={} policy_revision={}", listener_->address(),
                 gcm_->name(), ring_.size(), policy_->snapshot()->number);
    net::tell_ready("serving at " + listener_->address());
    loop_.run();
    return stop();
  }

  const std::string& address() const override { return listener_->address(); }

 private:
  Result<void> open_audit() {
    audit::LogOptions options;
    options.directory = config_.audit.directory;
    options.durability = config_.audit.durability == config::Durability::fsync
                             ? audit::Durability::fsync
                             : audit::Durability::write;
    options.on_failure = config_.audit.on_failure == config::OnAuditFailure::refuse
                             ? audit::OnFailure::refuse
                             : audit::OnFailure::alarm_and_continue;
    options.segment_bytes = std::uint64_t{config_.audit.segment_mib} << 20;
    options.reserve_bytes = std::uint64_t{config_.audit.reserve_mib} << 20;
    options.head_records = config_.audit.head_records;
    options.head_due = [this] {
      boost::asio::post(background_, [this] { audit_watch_->sign_head(); });
    };
    options.alarm = [this] { boost::asio::post(background_, [this] { audit_watch_->look(); }); };
    options.head_keeper = store_.get();
    options.store_point = [this] { return store_point(*store_); };
    options.keep_interval_us =
        std::chrono::duration_cast<std::chrono::microseconds>(config_.audit.head_interval).count();
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
    audit_watch_.emplace(background_, config_, *audit_);
    return {};
  }

  // What was made on the token of another key server is served there alone.
  Result<void> look_for_token_keys() {
    NAE_ASSIGN(not_on_token_, ring_.not_on_token());
    for (const std::string& version : not_on_token_)
      spdlog::error("event=key-not-on-token message={}", quoted_text(version));
    return {};
  }

  // Anybody can sign a custody file of his own: it must be that of this group.
  Result<void> take_custodians() {
    BackupSpool::clear(config_);
    if (!approval_.custodians) return {};
    auto ask = [](keys::Hsm& hsm) { return hsm.public_key_of(keys::ServerKey::audit); };
    NAE_ASSIGN(const Bytes audit_key, hsm_.call(ask, config_.hsm.timeout));
    if (approval_.custodians->find(custody::Kept::audit)->public_key != audit_key)
      return fail(Code::config_invalid,
                  config_.approval.custody.string() + " is the custody of another group",
                  "approval.custody names the custody.nae of this server's group.");
    if (auto former = refuse_former(config_, *approval_.custodians, config_.approval.custody);
        !former)
      return fail(Code::config_invalid, former.error().message, former.error().hint);
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
    admin::AdminParts parts{.ring = ring_,
                            .working_keys = working_keys_,
                            .policy = *policy_,
                            .store = *store_,
                            .audit = *audit_,
                            .hsm = hsm_,
                            .metrics = metrics_,
                            .devices = devices_,
                            .admins = admins_,
                            .settings = settings_,
                            .clock = clock_,
                            .audit_directory = config_.audit.directory,
                            .authority_pem = authority_,
                            .settle = [this] { return settle(); },
                            .approval = approval_,
                            .checks = &*checks_,
                            .changed = [this] { changed(listening_.get()); },
                            .certificate = config_.tls.certificate,
                            .device_renewal = config_.server.device_renewal,
                            .backups = backups_ ? &*backups_ : nullptr,
                            .presences = presences_ ? &*presences_ : nullptr};
    parts.check_store = [this] { return probe_->ask(); };
    if (tenure_) {
      parts.lease_seconds_left = [tenure = tenure_] {
        return std::chrono::duration<double>(tenure->left()).count();
      };
      parts.not_on_token = not_on_token_;
      parts.store_is_whole = [watch = watch_] { return watch->is_whole().has_value(); };
      parts.store_is_synchronous = [watch = watch_] { return watch->is_synchronous(); };
    }
    auto admits = [this](const net::PeerIdentity& peer) {
      return (peer.kind == net::PeerKind::admin ? admins_ : devices_).admits(peer);
    };
    admin_.emplace(std::make_unique<admin::AdminService>(parts), std::move(admits),
                   http_limits(config_), gate_limits(config_));
    // Before there is a listener nobody is waiting for an answer.
    parts.settle = [this] { return listener_ ? settle() : Result<void>{}; };
    parts.changed = [this] { changed(listener_.get()); };
    scheduler_.emplace(std::move(parts));
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
    if (state_digest_.update(*parts_->state) && listener != nullptr)
      listener->for_each([](net::Connection& connection) { connection.tell_change(); });
  }

  // Whoever was removed keeps no connection, and with it nobody's place.
  void end_removed() {
    listening_.get()->for_each([](net::Connection& connection) { connection.reexamine(); });
  }

  // On a thread of administration, whose calls may come as soon as the listener is there.
  Result<void> settle() {
    if (listening_.get()->settle(net::kAlpnNae, kSettleTime)) return {};
    return fail(
        Code::timeout,
        "the change was made and holds for every new request, but answers that were decided "
        "before it may still leave",
        "See the key server's log; repeat the command to wait again.");
  }

  Result<void> record_event(std::string_view event, const std::string& detail) {
    audit::Batch batch;
    batch.add(audit::EventRecord{unix_time_us(), event, detail});
    return audit_->append(batch);
  }

  // Not by the thread that renews the lease: a disk that hangs must not end it.
  void remember_store() {
    if (auto saved = watch_->save(); !saved)
      spdlog::error("event=store-seen-not-saved message={}", quoted_text(saved.error().message));
    if (auto whole = watch_->is_whole(); whole.has_value() != store_is_whole_) {
      store_is_whole_ = whole.has_value();
      if (whole)
        spdlog::warn("event=store-is-whole-again");
      else
        spdlog::critical("event=store-went-back code={} message={} hint={}",
                         name(whole.error().code), quoted_text(whole.error().message),
                         quoted_text(whole.error().hint));
    }
    if (watch_->is_synchronous() == store_is_synchronous_) return;
    store_is_synchronous_ = watch_->is_synchronous();
    if (store_is_synchronous_)
      spdlog::warn("event=store-is-synchronous-again");
    else
      spdlog::critical(
          "event=store-is-asynchronous message=\"its synchronous_standby_names is empty: it takes "
          "no changes\"");
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

  // A store that swallows what it is asked would hold up the end for minutes: what was to be
  // written at the end is what a crash loses as well.
  void give_up_dark_store() {
    if (!given_up_ || probe_->answers_within(kStoreEndTime)) return;
    spdlog::error("event=store-given-up message=\"it does not answer: this stop is as a crash\"");
    *given_up_ = true;
  }

  bool stop() {
    net::tell_stopping();
    give_up_dark_store();
    background_.stop();
    background_thread_.join();
    spdlog::info("event=stopping connections={}", listener_->connections());
    std::size_t cut = listener_->stop(config_.server.stop_timeout);
    workers_->stop();
    limit_keeper_.save();
    clock_watch_.save();
    if (watch_) remember_store();
    admin_.reset();
    scheduler_->stop();
    checker_->stop();
    if (auto recorded = record_event("stopped", "connections cut: " + std::to_string(cut));
        !recorded)
      spdlog::error("event=audit-failed message={}", quoted_text(recorded.error().message));
    audit_.reset();  // signs the last head, which needs the HSM
    const bool stopped = hsm_.stop();
    if (!stopped) spdlog::error("event=hsm-hangs");
    spdlog::info("event=stopped connections_cut={}", cut);
    return stopped;
  }

  const config::Config config_;
  std::unique_ptr<const crypto::GcmProvider> gcm_;
  std::unique_ptr<store::Store> store_;
  const std::shared_ptr<const group::Tenure> tenure_;  // of a store that others may take over
  const std::shared_ptr<group::StoreWatch> watch_;     // the same
  const std::shared_ptr<std::atomic<bool>> given_up_;  // the same
  std::optional<StoreProbe> probe_{[this] { return store_->check(); }};
  bool store_is_whole_ = true, store_is_synchronous_ = true;  // as it was told last
  std::unique_ptr<policy::PolicyBook> policy_;
  admin::ApprovalRules approval_;
  std::optional<admin::Presences> presences_;  // of custodians' cards
  std::optional<BackupSpool> backups_;         // that those cards have granted
  std::optional<setup::BoundKeys> bound_keys_;
  std::optional<setup::BegunLedger> begun_ledger_;
  std::vector<std::string> not_on_token_;
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
  std::unique_ptr<audit::Log> audit_;
  std::optional<nae1::Parts> parts_;
  std::optional<audit::SegmentChecks> checks_;
  std::optional<admin::AuditChecker> checker_;
  std::optional<http::HttpProtocols> admin_;
  std::optional<admin::KeyScheduler> scheduler_;
  // Of signals and what waits for nobody; and of what may wait for the store or the HSM.
  boost::asio::io_context loop_{1}, background_{1};
  std::thread background_thread_;
  std::optional<AuditWatch> audit_watch_;
  Repeating expire_unused_;
  LimitKeeper limit_keeper_;
  ClockWatch clock_watch_;
  Repeating remember_store_;
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
  return std::unique_ptr<Startable>(std::move(running));
}

Result<std::unique_ptr<Server>> Server::start(const config::Config& config) {
  return start_or_wait(config);
}

}  // namespace nae::server

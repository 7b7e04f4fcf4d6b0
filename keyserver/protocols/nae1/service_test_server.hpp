// For tests: the service behind real TLS, on a real token, store and audit log, and a client that
// speaks frames to it. One server a test program: SoftHSM is initialised once a process.
#pragma once

#include <future>
#include <string>
#include <vector>

#include "keyserver/audit/query.hpp"
#include "keyserver/hsm/test_token.hpp"
#include "keyserver/protocols/nae1/admission.hpp"
#include "keyserver/store/sqlite/store.hpp"
#include "libnae/client/session.hpp"
#include "net/blocking_client.hpp"
#include "net/listener.hpp"
#include "net/test_certificates.hpp"

namespace nae::nae1::testing {

using net::testing::must;

inline constexpr char kPolicyText[] = R"(version = 1
[[device]]
name = "db1"
[[program]]
name = "postgres"
[[rule]]
name = "alice-may"
roles = ["alice"]
keys = ["*"]
actions = ["encrypt", "decrypt", "rewrap", "sign", "verify", "mac", "mac-verify"]
result = "value"
[[rule]]
name = "alice-draws"
roles = ["alice"]
actions = ["hash", "random"]
result = "value"
)";

class ServiceTestServer {
 public:
  explicit ServiceTestServer(Settings nae_settings = {}, operations::Settings settings = {})
      : nae_settings_(nae_settings), settings_(std::move(settings)) {
    std::filesystem::create_directory(directory_ / "audit");
    net::testing::must(policy_->apply(kPolicyText, "test", "", 1));
    if (auto loaded = ring_.load(); !loaded) throw std::runtime_error(loaded.error().message);
    audit::LogOptions options;
    options.directory = audit_directory();
    audit_ = must(audit::Log::open(std::move(options)));
    operations::Parts core{ring_,   working_keys_, public_keys_, hsm_,     *policy_,
                           limits_, clock_,        metrics_,     settings_};
    parts_.emplace(Parts{std::move(core), *audit_, devices_, seats_, memory_, nae_settings_});
    listener_ = must(net::listen_tls(
        workers_,
        must(net::TlsContext::server(authority_.issue(net::testing::TestAuthority::server()))),
        {{net::kAlpnNae, protocol_for(*parts_)}}, {}));
    devices_.on_change([this] {
      listener_->for_each([](net::Connection& connection) { connection.reexamine(); });
    });
  }
  ~ServiceTestServer() {
    listener_->stop(std::chrono::seconds(10));
    workers_.stop();
    hsm_.stop();
  }

  keys::KeyRing& ring() { return ring_; }
  hsm::HsmQueue& hsm() { return hsm_; }
  metrics::Metrics& metrics() { return metrics_; }
  void apply(std::string_view policy) { net::testing::must(policy_->apply(policy, "test", "", 1)); }
  void forget_working_keys() {
    for (const keys::KeyPointer& key : ring_.list()) working_keys_.forget(key->id);
  }
  // What the register says from now on; nothing at first, so that every device is policy's matter.
  void set_devices(std::vector<protocols::CertificateStanding> standings) {
    standings_ = std::move(standings);
    if (auto read = devices_.reload(); !read) throw std::runtime_error(read.error().message);
  }
  // From now on another one is in charge.
  void follow() { parts_->core.follows = true; }
  void set_state(char name) {
    crypto::Sha256Digest digest;
    digest.fill(static_cast<Byte>(name));
    if (parts_->state->set(digest))
      listener_->for_each([](net::Connection& connection) { connection.tell_change(); });
  }
  void set_nodes(wire::NodeList nodes) {
    if (parts_->nodes->set(std::move(nodes)))
      listener_->for_each([](net::Connection& connection) { connection.tell_change(); });
  }
  std::uint16_t port() const { return listener_->port(); }
  std::filesystem::path audit_directory() const { return directory_ / "audit"; }
  std::vector<audit::StoredRecord> records(const audit::Filter& filter = {}) const {
    return must(audit::query(audit_directory(), filter));
  }
  std::size_t memory_held() const { return memory_->held(); }
  net::TlsContext device(const std::string& name = "db1") {
    return must(net::TlsContext::client(authority_.issue(net::testing::TestAuthority::device(name)),
                                        {net::kAlpnNae}));
  }

 private:
  net::testing::TemporaryDirectory directory_;
  net::testing::TestAuthority authority_{directory_, "authority"};
  Settings nae_settings_;
  operations::Settings settings_;
  hsm::TestToken token_;
  // What is left of a slow machine's work ends before the parts that it uses: the key server itself
  // ends without destructors then.
  static hsm::HsmQueue::Options patient() {
    hsm::HsmQueue::Options options;
    options.stop_grace = std::chrono::minutes(2);
    return options;
  }
  hsm::HsmQueue hsm_{must(hsm::Pkcs11Hsm::open(token_.options())), patient()};
  std::unique_ptr<store::Store> store_ =
      must(store::sqlite::Store::create(directory_ / "store.db"));
  std::unique_ptr<policy::PolicyBook> policy_ = must(policy::PolicyBook::open(*store_));
  keys::KeyRing ring_{*store_, store_.get(), [this](keys::HsmJob job) {
                        return hsm_.call(std::move(job), std::chrono::seconds(20));
                      }};
  std::unique_ptr<const crypto::GcmProvider> gcm_ = crypto::fastest_gcm();
  keys::WorkingKeys working_keys_{*gcm_};
  operations::PublicKeys public_keys_;
  metrics::Metrics metrics_;
  policy::LimitBook limits_;
  keys::TrustedTime clock_;
  std::vector<protocols::CertificateStanding> standings_;
  protocols::CertificateRegister devices_{
      [this]() -> Result<std::vector<protocols::CertificateStanding>> { return standings_; },
      protocols::UnknownNames::admitted};
  std::shared_ptr<DeviceSeats> seats_ = std::make_shared<DeviceSeats>(64, 32);
  std::shared_ptr<net::MemoryBudget> memory_ =
      std::make_shared<net::MemoryBudget>(512u << 20, 128u << 20);
  std::unique_ptr<audit::Log> audit_;
  std::optional<Parts> parts_;
  net::WorkerThreads workers_{1, "service-test"};
  std::unique_ptr<net::Listener> listener_;
};

// Keeps the HSM's thread, once its turn has come, until it is let go.
class HeldHsm {
 public:
  explicit HeldHsm(hsm::HsmQueue& queue) {
    queue.submit([begun = begun_, gone = released_.get_future().share()](keys::Hsm&) {
      begun->set_value();
      gone.wait();
    });
  }
  ~HeldHsm() { release(); }
  HeldHsm(const HeldHsm&) = delete;
  HeldHsm& operator=(const HeldHsm&) = delete;
  void wait_until_begun() { begun_->get_future().wait(); }
  void release() {
    if (!std::exchange(free_, true)) released_.set_value();
  }

 private:
  std::shared_ptr<std::promise<void>> begun_ = std::make_shared<std::promise<void>>();
  std::promise<void> released_;
  bool free_ = false;
};

struct Answer {
  std::uint64_t id = 0;
  std::optional<Error> error;
  std::uint32_t retry_after_ms = 0;
  std::vector<std::uint16_t> statuses;
  std::vector<Bytes> items;

  Code code() const { return error ? error->code : Code{}; }
};

// A device that says of itself whatever the test wants.
class ServiceTestClient {
 public:
  explicit ServiceTestClient(ServiceTestServer& server, const std::string& device = "db1")
      : socket_(
            must(net::testing::BlockingClient::connect_tls(server.device(device), server.port()))) {
  }

  client::Session& session() { return session_; }

  void open(std::uint32_t context, const std::string& role) {
    wire::OpenContext open;
    open.context = context;
    open.role.database = "db";
    open.role.effective_role = open.role.session_role = open.role.login_role = role;
    open.program.emplace();
    open.program->name = "postgres";
    open.program->executable = "/usr/lib/postgresql/15/bin/postgres";
    session_.open_context(open);
  }
  void open(const wire::OpenContext& open) { session_.open_context(open); }
  std::uint64_t ask(std::uint32_t context, Action action, std::string_view key,
                    const std::vector<Bytes>& items, const std::vector<Bytes>& seconds = {},
                    std::uint8_t algorithm = 0) {
    std::vector<ByteView> views(items.begin(), items.end());
    std::vector<ByteView> second_views(seconds.begin(), seconds.end());
    wire::CryptoRequest request;
    request.header.context = context;
    request.header.action = action;
    request.header.key = key;
    request.header.algorithm = algorithm;
    request.items = views;
    request.seconds = second_views;
    return must(session_.crypto(request));
  }
  void send() {
    if (auto sent = socket_.write(session_.output()); !sent)
      throw std::runtime_error(sent.error().message);
    session_.sent(session_.output().size());
  }
  // After what the session has to send, as it stands.
  void raw(ByteView bytes) {
    send();
    if (auto sent = socket_.write(bytes); !sent) throw std::runtime_error(sent.error().message);
  }
  // The next frame that answers a request, opened contexts left out.
  wire::Frame frame() {
    send();
    for (;;) {
      auto frame = must(session_.next_reply());
      if (frame && frame->header.type != wire::FrameType::context_opened) return *frame;
      if (!frame) session_.received(must(socket_.read_some(session_.receive_space())));
    }
  }
  Answer answer() {
    wire::Frame got = frame();
    Answer answer;
    answer.id = got.header.request_id;
    if (auto error = client::as_error(got)) {
      answer.error = error->error;
      answer.retry_after_ms = error->retry_after_ms;
      return answer;
    }
    auto reply = must(wire::parse_crypto_reply(got.body));
    auto items = reply.items.cursor();
    for (std::uint32_t i = 0; i < reply.items.count(); ++i) {
      ByteView item = items.next();
      answer.statuses.push_back(reply.status(i));
      answer.items.emplace_back(item.begin(), item.end());
    }
    return answer;
  }
  // Behind what was asked before.
  void send_raw(ByteView bytes) {
    send();
    if (auto sent = socket_.write(bytes); !sent) throw std::runtime_error(sent.error().message);
  }
  // Waits until the server has read everything sent before, and done what it had to do then.
  void round_trip() {
    Bytes ping;
    wire::append_empty_frame(ping, wire::FrameType::ping, 1);
    send_raw(ping);
    while (frame().header.type != wire::FrameType::pong) {
    }
  }

 private:
  net::testing::BlockingClient socket_;
  client::Session session_{"test"};
};

inline Bytes bytes_of(std::string_view text) {
  ByteView view = as_bytes(text);
  return Bytes(view.begin(), view.end());
}

}  // namespace nae::nae1::testing

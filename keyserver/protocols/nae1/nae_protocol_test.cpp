// What a device with a valid certificate may try against the service and its neighbours.
#include "keyserver/protocols/nae1/nae_protocol.hpp"

#include <gtest/gtest.h>

#include "keyserver/protocols/nae1/service_test_server.hpp"
#include "keyserver/protocols/nae1/test_half_frames.hpp"
#include "libnae/base/served.hpp"
#include "libnae/base/test_eventually.hpp"
#include "libnae/crypto/secure_heap_test_environment.hpp"

namespace nae::nae1 {
namespace {

using testing::bytes_of;
using testing::HalfFrames;
using testing::HeldHsm;
using testing::must;
using testing::ServiceTestClient;
using testing::ServiceTestServer;

[[maybe_unused]] const auto* const kHeap = crypto::take_secure_heap_for_tests();

std::vector<Bytes> copies(std::size_t count, std::size_t bytes = 4) {
  return std::vector<Bytes>(count, Bytes(bytes, Byte{7}));
}

audit::Filter of_action(std::string action) {
  audit::Filter filter;
  filter.action = std::move(action);
  return filter;
}

std::uint64_t requests_in(const std::vector<audit::StoredRecord>& records) {
  std::uint64_t requests = 0;
  for (const auto& record : records) requests += record.repeated;
  return requests;
}

// The records once they tell of so many requests: counts of denials come when their second is over.
std::vector<audit::StoredRecord> records_of_requests(const ServiceTestServer& server,
                                                     const std::string& action,
                                                     std::uint64_t requests) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  auto records = server.records(of_action(action));
  while (requests_in(records) < requests && std::chrono::steady_clock::now() < deadline)
    records = server.records(of_action(action));
  return records;
}

TEST(Service, EncryptsAndDecrypts) {
  ServiceTestServer server;
  must(server.ring().create("pii", KeyType::aes_256_gcm));
  ServiceTestClient client(server);
  client.open(1, "alice");
  client.ask(1, Action::encrypt, "pii", {bytes_of("value")});
  auto sealed = client.answer();
  ASSERT_EQ(sealed.items.size(), 1u);
  client.ask(1, Action::decrypt, "", sealed.items);
  EXPECT_EQ(client.answer().items.at(0), bytes_of("value"));
}

// Its number may be another role's by the time the HSM has answered.
TEST(Service, RequestThatWaitedIsRefusedAndRecordedForWhoAsked) {
  ServiceTestServer server;
  must(server.ring().create("pii", KeyType::aes_256_gcm));
  ServiceTestClient client(server);
  HeldHsm held(server.hsm());
  client.open(1, "mallory");
  auto id = client.ask(1, Action::encrypt, "pii", {bytes_of("denied")});
  EXPECT_EQ(client.answer().id, id);
  client.open(2, "alice");
  id = client.ask(2, Action::encrypt, "pii", {bytes_of("value")});
  client.session().close_context(2);
  client.open(2, "mallory");
  client.round_trip();
  held.release();
  auto answer = client.answer();
  EXPECT_EQ(answer.id, id);
  EXPECT_EQ(answer.code(), Code::context_unknown);
  auto records = server.records(of_action("encrypt"));
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[1].role, "alice");
  EXPECT_EQ(records[1].verdict, "deny");
  EXPECT_EQ(records[1].reason, "context_unknown");
}

// What nobody serves is refused before anybody asks who may; what is served never is for that.
TEST(Service, ServesTheActionsThatPoliciesMayGrantAndNoOther) {
  ServiceTestServer server;
  ServiceTestClient client(server);
  client.open(1, "mallory");
  int served = 0;
  for (std::uint8_t number = 1; auto action = action_from_wire(number); ++number) {
    client.ask(1, *action, "pii", {bytes_of("x")}, {bytes_of("y")});
    const bool refused = client.answer().code() == Code::unsupported;
    EXPECT_EQ(refused, !is_served(*action)) << name(*action);
    served += refused ? 0 : 1;
  }
  EXPECT_EQ(served, 11);
}

// Else a device without rights could fill the disk below the audit log.
TEST(Service, DenialsThatRepeatAreCounted) {
  ServiceTestServer server;
  {
    ServiceTestClient client(server);
    client.open(1, "mallory");
    for (int i = 0; i < 500; ++i) client.ask(1, Action::encrypt, "pii", {bytes_of("x")});
    for (int i = 0; i < 500; ++i) EXPECT_NE(client.answer().code(), Code{});
    client.open(2, "alice");
    client.ask(2, Action::random, "", {Bytes{0, 0, 0, 4}});
    EXPECT_EQ(client.answer().code(), Code{});
  }
  auto denied = records_of_requests(server, "encrypt", 500);
  EXPECT_EQ(requests_in(denied), 500u);
  EXPECT_LT(denied.size(), 50u);
  EXPECT_EQ(denied.front().repeated, 1u);
  EXPECT_EQ(server.records(of_action("random")).size(), 1u);
}

TEST(Service, ARemovedDeviceIsRefusedAtItsNextRequest) {
  ServiceTestServer server;
  ServiceTestClient client(server);
  client.open(1, "alice");
  client.ask(1, Action::random, "", {Bytes{0, 0, 0, 4}});
  EXPECT_EQ(client.answer().code(), Code{});
  server.set_devices({{"db2", "aa", true}});
  client.ask(1, Action::random, "", {Bytes{0, 0, 0, 4}});
  EXPECT_EQ(client.answer().code(), Code{}) << "another device was removed";

  server.set_devices({{"db1", "aa", false}});
  client.ask(1, Action::random, "", {Bytes{0, 0, 0, 4}});
  EXPECT_EQ(client.answer().code(), Code::device_unknown);
  EXPECT_ANY_THROW(client.round_trip()) << "the connection is closed";
  auto refused = server.records(of_action("connect"));
  ASSERT_EQ(refused.size(), 1u);
  EXPECT_EQ(refused[0].device, "db1");
  EXPECT_EQ(refused[0].verdict, "deny");
  EXPECT_EQ(refused[0].reason, "device_unknown");

  ServiceTestClient again(server);
  EXPECT_ANY_THROW(again.round_trip()) << "nor may it connect";
  EXPECT_EQ(server.records(of_action("connect")).size(), 2u) << "and that has a record, too";
}

TEST(Service, SignaturesOfAVersionThatWasRestrictedMeanwhileAreThrownAway) {
  ServiceTestServer server;
  must(server.ring().create("sig", KeyType::ecdsa_p256));
  must(server.ring().rotate("sig"));
  ServiceTestClient client(server);
  HeldHsm held(server.hsm());
  client.open(1, "alice");
  client.ask(1, Action::sign, "sig", {bytes_of("message")});
  client.round_trip();
  must(server.ring().set_state("sig", 2, keys::State::restricted));
  held.release();
  auto answer = client.answer();
  ASSERT_EQ(answer.items.size(), 1u);
  EXPECT_EQ(must(parse_token(answer.items[0])).key.version, 1);
  EXPECT_EQ(server.records(of_action("sign")).at(0).key_version, 1);
}

TEST(Service, ManySignaturesLetOthersToTheHsm) {
  ServiceTestServer server;
  must(server.ring().create("sig", KeyType::ecdsa_p256));
  ServiceTestClient client(server);
  HeldHsm held(server.hsm());
  client.open(1, "alice");
  client.ask(1, Action::sign, "sig", copies(200));
  client.round_trip();
  HeldHsm other(server.hsm());
  held.release();
  other.wait_until_begun();
  client.round_trip();
  EXPECT_TRUE(server.records(of_action("sign")).empty());
  other.release();
  auto answer = client.answer();
  EXPECT_EQ(answer.items.size(), 200u);
  client.ask(1, Action::verify, "sig", copies(200), answer.items);
  for (const Bytes& verified : client.answer().items) EXPECT_EQ(verified, Bytes(1, Byte{1}));
}

TEST(Service, OneRequestHasItsBoundOfHeavyWork) {
  ServiceTestServer server;
  must(server.ring().create("sig", KeyType::ecdsa_p256));
  for (int i = 0; i < 2; ++i) must(server.ring().rotate("sig"));
  ServiceTestClient client(server);
  client.open(1, "alice");
  client.ask(1, Action::sign, "sig", copies(1025));
  EXPECT_EQ(client.answer().code(), Code::too_many_items);
  // A bare signature is tried under each of the three versions.
  auto bare = static_cast<std::uint8_t>(SignatureScheme::ecdsa_p256_sha256);
  client.ask(1, Action::verify, "sig", copies(1366), copies(1366), bare);
  EXPECT_EQ(client.answer().code(), Code::too_many_items);
  client.ask(1, Action::random, "", std::vector<Bytes>(4097, Bytes{0, 0, 4, 0}));
  EXPECT_EQ(client.answer().code(), Code::too_many_items);
  client.ask(1, Action::random, "", std::vector<Bytes>(3, Bytes{0, 0, 4, 0}));
  EXPECT_EQ(client.answer().items.size(), 3u);
}

TEST(Service, RequestsThatWaitForTheHsmAreBounded) {
  Settings settings;
  settings.max_waiting = 3;
  settings.max_waiting_bytes = 100'000;
  ServiceTestServer server(settings);
  must(server.ring().create("sig", KeyType::ecdsa_p256));
  ServiceTestClient client(server);
  HeldHsm held(server.hsm());
  client.open(1, "alice");
  client.ask(1, Action::sign, "sig", copies(1, 90'000));
  auto too_long = client.ask(1, Action::sign, "sig", copies(1, 10'000));
  for (int i = 0; i < 2; ++i) client.ask(1, Action::sign, "sig", copies(1));
  auto too_many = client.ask(1, Action::sign, "sig", copies(1));
  for (auto id : {too_long, too_many}) {
    auto answer = client.answer();
    EXPECT_EQ(answer.id, id);
    EXPECT_EQ(answer.code(), Code::overloaded);
  }
  EXPECT_EQ(server.records(of_action("sign")).size(), 2u);
  held.release();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.answer().items.size(), 1u);
}

TEST(Service, RefusalsOfStrangersAreRecorded) {
  ServiceTestServer server;
  ServiceTestClient client(server);
  client.ask(99, Action::encrypt, "pii", copies(3));
  EXPECT_EQ(client.answer().code(), Code::context_unknown);
  auto records = server.records(of_action("encrypt"));
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].device, "db1");
  EXPECT_EQ(records[0].key, "pii");
  EXPECT_EQ(records[0].failed_items, 3u);
  EXPECT_EQ(records[0].reason, "context_unknown");
  wire::OpenContext unattested;
  unattested.role.effective_role = "alice";
  client.open(unattested);
  EXPECT_EQ(client.answer().code(), Code::program_unknown);
  records = server.records(of_action("open-context"));
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].role, "alice");
  EXPECT_EQ(records[0].verdict, "deny");
}

TEST(Service, WhoDoesNotSayHelloIsClosed) {
  Settings settings;
  settings.hello_timeout = std::chrono::milliseconds(100);
  ServiceTestServer server(settings);
  auto silent = must(net::testing::BlockingClient::connect_tls(server.device(), server.port()));
  EXPECT_EQ(silent.read(1).error().code, Code::connection_lost);
}

TEST(Service, ContextsAreBoundedInBytes) {
  ServiceTestServer server;
  ServiceTestClient client(server);
  wire::OpenContext open;
  open.role.memberships.assign(8, std::string(64'000, 'r'));
  open.program.emplace().name = "postgres";
  for (open.context = 1; open.context <= 132; ++open.context) client.open(open);
  EXPECT_EQ(client.answer().code(), Code::overloaded);
  client.session().close_context(1);
  open.context = 133;
  client.open(open);
  client.session().lookup({133, wire::LookupSubject::whoami});
  EXPECT_EQ(client.frame().header.type, wire::FrameType::lookup_reply);
}

TEST(Service, InventedKeyIdsMakeOneRecord) {
  ServiceTestServer server;
  auto key = must(server.ring().create("pii", KeyType::aes_256_gcm));
  std::vector<Bytes> invented;
  for (std::uint16_t i = 1; i <= 500; ++i) {
    Bytes foreign(64), unborn(64);
    write_gcm_header(foreign.data(), {KeyId{{1, 2, 3, 4, Byte(i >> 8), Byte(i)}}, 1}, {}, 0);
    write_gcm_header(unborn.data(), {key->id, static_cast<std::uint16_t>(i + 1)}, {}, 0);
    invented.push_back(foreign);
    invented.push_back(unborn);
  }
  ServiceTestClient client(server);
  client.open(1, "alice");
  client.ask(1, Action::decrypt, "", invented);
  auto answer = client.answer();
  ASSERT_EQ(answer.statuses.size(), 1000u);
  for (auto status : answer.statuses)
    EXPECT_EQ(status, static_cast<std::uint16_t>(Code::envelope_foreign));
  auto records = server.records(of_action("decrypt"));
  ASSERT_EQ(records.size(), 2u);
  for (const auto& record : records) {
    EXPECT_EQ(record.items, 500u);
    EXPECT_EQ(record.failed_items, 500u);
    EXPECT_EQ(record.reason, "envelope_foreign");
  }
}

TEST(Service, AnEnvelopeOfTheWrongFormatSpoilsNoOther) {
  ServiceTestServer server;
  must(server.ring().create("pii", KeyType::aes_256_gcm));
  ServiceTestClient client(server);
  client.open(1, "alice");
  client.ask(1, Action::encrypt, "pii", {bytes_of("value")});
  Bytes sealed = client.answer().items.at(0);
  Bytes changed = sealed;
  changed[0] = static_cast<Byte>(Format::aes_256_siv);
  for (const std::vector<Bytes>& items :
       {std::vector<Bytes>{changed, sealed}, std::vector<Bytes>{sealed, changed}}) {
    client.ask(1, Action::decrypt, "", items);
    auto answer = client.answer();
    ASSERT_EQ(answer.statuses.size(), 2u) << answer.error->message;
    std::size_t good = items[0] == sealed ? 0 : 1;
    EXPECT_EQ(answer.items[good], bytes_of("value"));
    EXPECT_EQ(answer.statuses[1 - good], static_cast<std::uint16_t>(Code::envelope_malformed));
  }
}

TEST(Service, ManyLookupsAtOnceAreRefused) {
  ServiceTestServer server;
  ServiceTestClient client(server);
  client.open(1, "alice");
  for (int i = 0; i < 100; ++i) client.session().lookup({1, wire::LookupSubject::keys});
  int refused = 0;
  for (int i = 0; i < 100; ++i) {
    auto error = client::as_error(client.frame());
    EXPECT_TRUE(!error || error->error.code == Code::overloaded);
    refused += error ? 1 : 0;
  }
  EXPECT_GE(refused, 80);
  EXPECT_EQ(requests_in(records_of_requests(server, "keys", 100)), 100u);
}

TEST(Service, HalfAFrameHasItsTime) {
  Settings settings;
  settings.frame_timeout = std::chrono::milliseconds(200);
  ServiceTestServer server(settings);
  HalfFrames slow(server);
  slow.greet();
  ASSERT_TRUE(slow.send_header(4u << 20));  // more than comes in its time, byte by byte
  const auto start = std::chrono::steady_clock::now();
  while (slow.send(as_bytes("x")) &&  // a byte now and then prolongs nothing
         std::chrono::steady_clock::now() - start < std::chrono::seconds(10))
    std::this_thread::yield();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
  EXPECT_EQ(slow.farewell().value().code, Code::timeout);
}

TEST(Service, NobodyIsLongAtHisHello) {
  Settings settings;
  settings.hello_timeout = std::chrono::milliseconds(200);
  ServiceTestServer server(settings);
  HalfFrames slow(server);
  Bytes hello;
  wire::append_hello(hello, 1, {});
  hello.pop_back();
  const auto start = std::chrono::steady_clock::now();
  ASSERT_TRUE(slow.send(ByteView(hello).first(hello.size() - 1)));
  (void)slow.farewell();  // without a word when nothing more came, as any idle connection
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

TEST(Service, FramesThatComeInTimeAreNotLate) {
  Settings settings;
  settings.frame_timeout = std::chrono::milliseconds(300);
  ServiceTestServer server(settings);
  HalfFrames client(server);
  client.greet();
  Bytes ping;
  wire::append_empty_frame(ping, wire::FrameType::ping, 1);
  // Always half of one under way, and none for long: each write ends one and begins another.
  ASSERT_TRUE(client.send(ByteView(ping).first(8)));
  const auto start = std::chrono::steady_clock::now();
  Bytes turned(ping.begin() + 8, ping.end());
  turned.insert(turned.end(), ping.begin(), ping.begin() + 8);
  while (std::chrono::steady_clock::now() - start < std::chrono::seconds(1)) {
    ASSERT_TRUE(client.send(turned));
    Byte pong[wire::kFrameHeaderBytes];
    ASSERT_TRUE(client.read(pong));
  }
}

TEST(Service, OneDeviceDoesNotTakeAllMemory) {
  Settings settings;
  settings.frame_timeout = std::chrono::seconds(60);
  ServiceTestServer server(settings);
  constexpr std::uint32_t kFrame = 16u << 20;
  const Bytes half(1u << 20, Byte{1});
  std::vector<std::unique_ptr<HalfFrames>> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(std::make_unique<HalfFrames>(server));
    clients.back()->greet();
    ASSERT_TRUE(clients.back()->send_header(kFrame));
    if (i < 7) {
      ASSERT_TRUE(clients.back()->send(half));
    }
  }
  // Seven of 16 MiB and 16 bytes each; the eighth would pass the device's 128 MiB.
  constexpr std::size_t kSeven = 7u * (kFrame + wire::kFrameHeaderBytes);
  ASSERT_TRUE(eventually([&] { return server.memory_held() == kSeven; }));
  ServiceTestClient other(server);
  must(server.ring().create("pii", KeyType::aes_256_gcm));
  other.open(1, "alice");
  other.ask(1, Action::encrypt, "pii", {bytes_of("value")});
  EXPECT_EQ(other.answer().items.size(), 1u) << "what is small needs no memory";
  clients.erase(clients.begin(), clients.begin() + 7);
  ASSERT_TRUE(eventually([&] { return server.memory_held() == kSeven; }));
  clients.clear();
  EXPECT_TRUE(eventually([&] { return server.memory_held() == 0; }));
}

TEST(Service, WhoGetsNoMemoryIsToldSo) {
  Settings settings;
  settings.frame_timeout = std::chrono::milliseconds(300);
  ServiceTestServer server(settings);
  std::vector<std::unique_ptr<HalfFrames>> clients;
  for (int i = 0; i < 5; ++i) {
    clients.push_back(std::make_unique<HalfFrames>(server));
    clients.back()->greet();
    ASSERT_TRUE(clients.back()->send_header(32u << 20));
  }
  int overloaded = 0, late = 0;
  for (auto& client : clients) {
    const Code code = client->farewell().value().code;
    overloaded += code == Code::overloaded;
    late += code == Code::timeout;
  }
  EXPECT_EQ(overloaded + late, 5);
  EXPECT_GE(overloaded, 1);
}

}  // namespace
}  // namespace nae::nae1

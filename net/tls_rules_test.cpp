// Who may talk to whom: the rules of TLS, from both sides.
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <atomic>
#include <fstream>

#include "libnae/crypto/handle.hpp"
#include "net/test_echo_server.hpp"

namespace nae::net {
namespace {

using namespace testing;

TEST_F(ListenerTest, EchoesAndKnowsTheDevice) {
  auto client = must(BlockingClient::connect_tls(device_context(), listen()));
  ASSERT_TRUE(client.write(as_bytes("hello")));
  EXPECT_EQ(as_text(must(client.read(5))), "hello");
  EXPECT_EQ(seen().kind, PeerKind::device);
  EXPECT_EQ(seen().name, "db1");
  EXPECT_EQ(seen().fingerprint_hex.size(), 64u);
  EXPECT_FALSE(seen().serial_hex.empty());
  EXPECT_EQ(client.stream().peer().kind, PeerKind::server);
}

TEST_F(ListenerTest, RefusesDeviceOfAnotherAuthority) {
  TlsFiles files = foreign_.issue(TestAuthority::device("db1"));
  files.authority = ours_.file();
  Error error = refusal(must(TlsContext::client(files)), listen());
  EXPECT_EQ(error.code, Code::certificate_rejected) << error.message;
  EXPECT_THAT(error.message, HasSubstr("does not trust the authority"));
}

TEST_F(ListenerTest, RefusesServerOfAnotherAuthority) {
  TlsFiles files = foreign_.issue(TestAuthority::server());
  files.authority = ours_.file();
  Error error = refusal(device_context(), listen(files));
  EXPECT_EQ(error.code, Code::certificate_rejected) << error.message;
  EXPECT_THAT(error.message, HasSubstr("unable to get local issuer certificate"));
}

TEST_F(ListenerTest, RefusesExpiredDevice) {
  auto wanted = TestAuthority::device("db1");
  wanted.not_after_s = unix_time_s() - 10;
  Error error = refusal(must(TlsContext::client(ours_.issue(wanted))), listen());
  EXPECT_EQ(error.code, Code::certificate_rejected);
  EXPECT_THAT(error.message, HasSubstr("has expired"));
}

TEST_F(ListenerTest, RefusesExpiredAndFutureServers) {
  auto wanted = TestAuthority::server();
  wanted.not_after_s = unix_time_s() - 10;
  EXPECT_THAT(refusal(device_context(), listen(ours_.issue(wanted))).message,
              HasSubstr("certificate has expired"));
  listener_->stop(1s);
  wanted = TestAuthority::server();
  wanted.not_before_s = unix_time_s() + 600;
  EXPECT_THAT(refusal(device_context(), listen(ours_.issue(wanted))).message,
              HasSubstr("not yet valid"));
}

TEST_F(ListenerTest, RefusesServerOfAnotherName) {
  auto context = device_context();
  auto port = listen();
  auto client = BlockingClient::connect_tls(context, port, "keys.example");
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error().code, Code::certificate_rejected);
  EXPECT_THAT(client.error().message, HasSubstr("hostname mismatch"));
  EXPECT_THAT(BlockingClient::connect_tls(context, port, "127.0.0.2").error().message,
              HasSubstr("IP address mismatch"));
  EXPECT_TRUE(BlockingClient::connect_tls(context, port, "localhost"));
  EXPECT_FALSE(BlockingClient::connect_tls(context, port, ""));
}

TEST_F(ListenerTest, RefusesCertificateOfTheWrongUsage) {
  auto server_as_device = TestAuthority::server();
  server_as_device.uri_names = {"nae://device/db1"};
  auto port = listen();
  EXPECT_EQ(refusal(must(TlsContext::client(ours_.issue(server_as_device))), port).code,
            Code::certificate_rejected);
  listener_->stop(1s);
  auto device_as_server = TestAuthority::device("db1");
  device_as_server.ip_names = {"127.0.0.1"};
  EXPECT_EQ(refusal(device_context(), listen(ours_.issue(device_as_server))).code,
            Code::certificate_rejected);
}

TEST_F(ListenerTest, RefusesNoneSeveralAndOddIdentities) {
  auto port = listen();
  std::vector<std::vector<std::string>> refused = {{},
                                                   {"nae://device/a", "nae://admin/b"},
                                                   {"nae://device/a", "nae://device/a"},
                                                   {"nae://device/"},
                                                   {"nae://device/a/b"},
                                                   {"nae://root/a"},
                                                   {"https://device/a"}};
  for (const auto& names : refused) {
    auto wanted = TestAuthority::device("db1");
    wanted.uri_names = names;
    Error error = refusal(must(TlsContext::client(ours_.issue(wanted))), port);
    EXPECT_THAT(error.message, HasSubstr("refused the handshake")) << names.size();
  }
  auto admin = TestAuthority::dated("carol", crypto::CertificateUsage::client);
  admin.uri_names = {"https://example.org/", "nae://admin/carol"};
  auto client =
      must(BlockingClient::connect_tls(must(TlsContext::client(ours_.issue(admin))), port));
  ASSERT_TRUE(client.write(as_bytes("x")));
  must(client.read(1));
  EXPECT_EQ(seen().kind, PeerKind::admin);
}

// A client made of plain OpenSSL, to break rules that TlsContext cannot break.
class RawTls {
 public:
  RawTls() : context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free) {}
  SSL_CTX* context() { return context_.get(); }
  // The alert that ended the connection, or 0 when the server talks to us.
  int alert(std::uint16_t port, bool with_alpn) {
    auto client = must(BlockingClient::connect_tcp(port));
    std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context()), SSL_free);
    SSL_set_fd(ssl.get(), client.descriptor());
    const unsigned char alpn[] = "\x05nae/1";
    if (with_alpn) SSL_set_alpn_protos(ssl.get(), alpn, 6);
    static thread_local int alert_number;
    alert_number = 0;
    SSL_set_info_callback(ssl.get(), [](const SSL*, int where, int value) {
      if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT && value >> 8 == 2)
        alert_number = value & 255;
    });
    char byte = 'x';
    if (SSL_connect(ssl.get()) == 1 && SSL_write(ssl.get(), &byte, 1) == 1)
      SSL_read(ssl.get(), &byte, 1);
    return alert_number;
  }
  void use(const TlsFiles& files) {
    SSL_CTX_use_certificate_chain_file(context(), files.certificate.c_str());
    SSL_CTX_use_PrivateKey_file(context(), files.key.c_str(), SSL_FILETYPE_PEM);
  }

 private:
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
};

TEST_F(ListenerTest, RefusesClientWithoutCertificate) {
  RawTls raw;
  EXPECT_EQ(raw.alert(listen(), true), SSL_AD_CERTIFICATE_REQUIRED);
}

// Also run with an OpenSSL that knows the hybrid: tests/tls/newer-openssl.
TEST_F(ListenerTest, AgreesOnTheBestGroupThatOpensslKnows) {
  auto socket = must(BlockingClient::connect_tcp(listen()));
  TlsContext context = device_context();
  std::unique_ptr<SSL, decltype(&SSL_free)> client(SSL_new(context.native()), SSL_free);
  // The group is all that counts here.
  SSL_set_verify(client.get(), SSL_VERIFY_NONE, [](int, X509_STORE_CTX*) { return 1; });
  SSL_set_fd(client.get(), socket.descriptor());
  ASSERT_EQ(SSL_connect(client.get()), 1);
  const std::string group =
      SSL_group_to_name(client.get(), static_cast<int>(SSL_get_negotiated_group(client.get())));
  constexpr unsigned long kFirstWithMlKem = 0x30500000;
  if (OpenSSL_version_num() >= kFirstWithMlKem)
    EXPECT_EQ(group, "X25519MLKEM768");
  else
    EXPECT_EQ(group, "x25519");
  RecordProperty("openssl", OpenSSL_version(OPENSSL_VERSION));
}

TEST_F(ListenerTest, RefusesTls12) {
  RawTls raw;
  raw.use(ours_.issue(TestAuthority::device("db1")));
  SSL_CTX_set_max_proto_version(raw.context(), TLS1_2_VERSION);
  EXPECT_EQ(raw.alert(listen(), true), SSL_AD_PROTOCOL_VERSION);
}

TEST_F(ListenerTest, RefusesForeignAlpn) {
  RawTls raw;
  raw.use(ours_.issue(TestAuthority::device("db1")));
  auto port = listen();
  EXPECT_EQ(raw.alert(port, true), 0);
  auto odd = must(TlsContext::client(ours_.issue(TestAuthority::device("db1")), {"nae/2"}));
  EXPECT_THAT(refusal(odd, port).message, HasSubstr("does not speak this protocol"));
}

// Monitoring and old libraries send no ALPN: they speak HTTP, and never nae/1.
TEST_F(ListenerTest, WithoutAlpnTheClientSpeaksHttp) {
  const TlsFiles own = ours_.issue(TestAuthority::server());
  RawTls raw;
  raw.use(ours_.issue(TestAuthority::device("db1")));
  std::atomic<int> spoken_http = 0, spoken_nae = 0;
  auto counted = [this](std::atomic<int>& count) -> ProtocolFactory {
    return [make = factory(), &count](Connection& connection) {
      ++count;
      return make(connection);
    };
  };
  listener_ =
      must(listen_tls(workers_, must(TlsContext::server(own)),
                      {{kAlpnNae, counted(spoken_nae)}, {kAlpnHttp, counted(spoken_http)}}, {}));
  EXPECT_EQ(raw.alert(listener_->port(), false), 0);
  EXPECT_EQ(spoken_http, 1);
  EXPECT_EQ(spoken_nae, 0);
  listener_->stop(2s);

  listener_ = must(listen_tls(workers_, must(TlsContext::server(own, {kAlpnNae})),
                              {{kAlpnNae, counted(spoken_nae)}}, {}));
  EXPECT_EQ(raw.alert(listener_->port(), true), 0);
  EXPECT_EQ(raw.alert(listener_->port(), false), SSL_AD_NO_APPLICATION_PROTOCOL);
  EXPECT_EQ(spoken_nae, 1);
}

class TlsContextTest : public ListenerTest {};

TEST_F(TlsContextTest, RefusesFilesThatAreMissingReadableOrMixed) {
  TlsFiles files = ours_.issue(TestAuthority::server());
  TlsFiles other = ours_.issue(TestAuthority::server());
  EXPECT_TRUE(TlsContext::server(files));
  ::chmod(files.key.c_str(), 0644);
  EXPECT_EQ(TlsContext::server(files).error().code, Code::file_failed);
  ::chmod(files.key.c_str(), 0600);
  auto changed = files;
  changed.key = other.key;
  EXPECT_THAT(TlsContext::server(changed).error().message, HasSubstr("not the key of"));
  changed.key = directory_ / "missing.key";
  EXPECT_EQ(TlsContext::server(changed).error().code, Code::file_failed);
  changed = files;
  changed.authority = files.key;
  EXPECT_EQ(TlsContext::client(changed).error().code, Code::tls_failed);
  changed = files;
  changed.certificate = directory_ / "missing.pem";
  EXPECT_EQ(TlsContext::client(changed).error().code, Code::file_failed);
}

std::string text_of(const std::string& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Some authorities hand out the root first, and some tools the leaf.
TEST_F(TlsContextTest, ChainsMayStandInEitherOrder) {
  for (bool root_first : {true, false}) {
    const TlsFiles files = ours_.issue(TestAuthority::server());
    const std::string leaf = text_of(files.certificate), root = text_of(files.authority);
    std::ofstream(files.certificate) << (root_first ? root + leaf : leaf + root);
    const std::uint16_t port = listen(files);
    auto client = must(BlockingClient::connect_tls(device_context(), port));
    ASSERT_TRUE(client.write(as_bytes("y")));
    EXPECT_EQ(as_text(must(client.read(1))), "y");
    listener_->stop(2s);
  }
}

TEST_F(TlsContextTest, ACertificateFileThatEndsInNonsenseIsRefused) {
  const TlsFiles files = ours_.issue(TestAuthority::server());
  std::ofstream(files.certificate, std::ios::app)
      << "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  EXPECT_FALSE(TlsContext::server(files));
  std::ofstream(files.certificate) << "";
  EXPECT_FALSE(TlsContext::server(files));
}

TEST_F(TlsContextTest, AnEncryptedKeyIsCalledSo) {
  const TlsFiles files = ours_.issue(TestAuthority::server());
  const std::string key = text_of(files.key);
  handle<BIO, BIO_free> in(BIO_new_mem_buf(key.data(), static_cast<int>(key.size())));
  handle<EVP_PKEY, EVP_PKEY_free> pkey(
      PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr));
  handle<BIO, BIO_free> out(BIO_new_file(files.key.c_str(), "w"));
  ASSERT_EQ(PEM_write_bio_PKCS8PrivateKey(out.get(), pkey.get(), EVP_aes_256_cbc(), "secret", 6,
                                          nullptr, nullptr),
            1);
  out.reset();
  const auto refused = TlsContext::server(files);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("encrypted under a passphrase"));
  EXPECT_THAT(refused.error().message, HasSubstr(files.key));
  EXPECT_THAT(refused.error().hint, HasSubstr("openssl pkey"));
}

}  // namespace
}  // namespace nae::net

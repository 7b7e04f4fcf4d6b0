// `init` on SoftHSM: what it makes, what it leaves alone, and that a failure leaves nothing.
#include "keyserver/setup/initialise.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "keyserver/hsm/test_lasting_object.hpp"
#include "keyserver/hsm/test_token.hpp"
#include "keyserver/setup/claim.hpp"
#include "keyserver/setup/take_up_ledger.hpp"
#include "keyserver/setup/token_binding.hpp"
#include "keyserver/setup/unfinished.hpp"
#include "keyserver/store/sqlite/store.hpp"
#include "libnae/base/file.hpp"
#include "libnae/base/text.hpp"
#include "libnae/crypto/certificate.hpp"
#include "libnae/crypto/hash.hpp"
#include "libnae/crypto/key_wrap.hpp"
#include "libnae/crypto/secure_heap_test_environment.hpp"
#include "libnae/crypto/software_card.hpp"
#include "libnae/custody/custody_secret.hpp"
#include "libnae/pkcs11/pin_file.hpp"

namespace nae::setup {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

[[maybe_unused]] const auto* const kHeap = crypto::take_secure_heap_for_tests();

class InitialiseTest : public testing::Test {
 protected:
  InitialiseTest() {
    std::string name = (fs::temp_directory_path() / "nae-init-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    directory_ = name;
    choices_.directory = directory_ / "server";
  }
  ~InitialiseTest() override { fs::remove_all(directory_); }

  Made made() {
    auto made = initialise(choices_);
    EXPECT_TRUE(made) << made.error().message;
    return made.value_or(Made{});
  }
  Code refusal() {
    auto made = initialise(choices_);
    EXPECT_FALSE(made);
    return made ? Code::internal : made.error().code;
  }
  std::string text_of(const fs::path& file) const {
    return read_file(choices_.directory / file, 1 << 20).value_or("");
  }
  crypto::CertificateInfo certificate(const fs::path& file) const {
    return crypto::read_certificate(text_of(file)).value_or(crypto::CertificateInfo{});
  }
  custody::CustodySet custody_set() const {
    return custody::parse_custody_set(as_bytes(text_of("custody.nae"))).value();
  }
  static crypto::SecretBytes secret_of(std::string_view text) {
    crypto::SecretBytes secret(text.size());
    std::ranges::copy(as_bytes(text), secret.expose_for_writing().begin());
    return secret;
  }
  // A card of a custodian's, whose public half init is given in NAME.pem.
  crypto::SoftwareCard card_of(const std::string& name) {
    crypto::SoftwareCard card = crypto::make_software_card(secret_of(name)).value();
    std::ofstream(directory_ / (name + ".pem"))
        << crypto::public_key_to_pem(card.public_key).value();
    choices_.custody.cards.push_back({directory_ / (name + ".pem"), {}});
    choices_.custody.cards.back().sealing = custody::Sealing::rsa_oaep_sha256;
    return card;
  }
  crypto::Share opened(const custody::CustodySet& set, std::size_t index, ByteView pem,
                       std::string_view passphrase) {
    const custody::ShareRecord& record = set.shares[index];
    return custody::open_share(set, index,
                               crypto::decrypt_oaep(pem, secret_of(passphrase),
                                                    custody::hash_of(record.sealing), record.sealed)
                                   .value())
        .value();
  }
  unsigned mode_of(const fs::path& file) const {
    struct stat status {};
    EXPECT_EQ(::stat((choices_.directory / file).c_str(), &status), 0) << file;
    return status.st_mode & 0777u;
  }

  fs::path directory_;
  Choices choices_;
};

TEST_F(InitialiseTest, MakesAServerOfItsOwn) {
  choices_.port = 17443;
  const Made result = made();
  EXPECT_EQ(result.address, "127.0.0.1:17443");
  EXPECT_EQ(result.configuration, choices_.directory / "nae-keyserver.toml");
  EXPECT_EQ(result.admin_profile, choices_.directory / "admin/cli.toml");
  EXPECT_THAT(result.server_id, testing::MatchesRegex("[0-9a-f]{16}"));

  auto store = store::sqlite::Store::open(choices_.directory / "keys.db");
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_EQ((*store)->meta("server_id").value(), result.server_id);
  const auto admin = (*store)->find_admin("admin").value();
  ASSERT_TRUE(admin);
  EXPECT_THAT(admin->roles, ElementsAre("auditor", "key-admin", "operator", "policy-admin"));
  const auto info = certificate("admin/admin.pem");
  EXPECT_EQ(admin->key_sha256, to_hex(crypto::sha256(info.spki)));
  EXPECT_EQ(admin->certificates.at(0).fingerprint, info.fingerprint);
  EXPECT_THAT(info.uri_names, ElementsAre("nae://admin/admin"));
  EXPECT_THAT(certificate("tls/server.pem").dns_names, ElementsAre("localhost"));
  EXPECT_THAT(certificate("tls/server.pem").ip_names, ElementsAre("127.0.0.1"));
  EXPECT_EQ(text_of("tls/authority.pem"), text_of("admin/authority.pem"));
}

TEST_F(InitialiseTest, NobodyElseReadsWhatIsSecret) {
  made();
  EXPECT_EQ(mode_of("."), 0700u);
  for (const char* secret : {"hsm/pin", "hsm/so-pin", "hsm/softhsm2.conf", "tls/server.key",
                             "admin/admin.key", "nae-keyserver.toml", "admin/cli.toml"})
    EXPECT_EQ(mode_of(secret), 0600u) << secret;
  EXPECT_NE(text_of("hsm/pin"), text_of("hsm/so-pin"));
  EXPECT_EQ(text_of("hsm/pin").size(), 33u) << "128 bits";
}

TEST_F(InitialiseTest, TheStoreIsTiedToTheToken) {
  made();
  use_softhsm_configuration(choices_.directory / "hsm/softhsm2.conf");
  hsm::Options options;
  options.module = choices_.module;
  options.token_label = choices_.token_label;
  options.pin_file = choices_.directory / "hsm/pin";
  auto hsm = hsm::Pkcs11Hsm::open(options);
  ASSERT_TRUE(hsm) << hsm.error().message;
  auto store = store::sqlite::Store::open(choices_.directory / "keys.db").value();
  EXPECT_TRUE(check_token(*store, **hsm));
  EXPECT_TRUE((*hsm)->binds().value()) << "there is no row that would have to be believed";
  EXPECT_TRUE((*hsm)->has_ledger().value());
  EXPECT_EQ(*take_up_ledger(*store, **hsm), std::nullopt) << "the ledger is begun already";
  EXPECT_EQ(store->verify_ledger()->rows, 3u) << "two facts and an administrator";
}

TEST_F(InitialiseTest, NamesTheServerAsItIsCalled) {
  choices_.host = "0.0.0.0";
  choices_.names = {"keys.example", "10.0.0.5"};
  EXPECT_THAT(made().address, HasSubstr("0.0.0.0:"));
  EXPECT_THAT(certificate("tls/server.pem").dns_names, ElementsAre("keys.example", "localhost"));
  EXPECT_THAT(certificate("tls/server.pem").ip_names, ElementsAre("10.0.0.5"));
  EXPECT_THAT(text_of("admin/cli.toml"), HasSubstr("\"https://keys.example:7443\""));
}

TEST_F(InitialiseTest, AnAddressOfVersionSixHasBrackets) {
  choices_.host = "::";
  choices_.port = 8443;
  EXPECT_EQ(made().address, "[::]:8443");
  EXPECT_THAT(text_of("nae-keyserver.toml"), HasSubstr("listen = \"[::]:8443\""));
  EXPECT_THAT(text_of("admin/cli.toml"), HasSubstr("\"https://[::1]:8443\""));
  EXPECT_THAT(certificate("tls/server.pem").ip_names, ElementsAre("::1"));
}

TEST_F(InitialiseTest, PortZeroIsAFreeOne) {
  choices_.port = 0;
  const std::string address = made().address;
  EXPECT_THAT(address, Not(HasSubstr(":0")));
  EXPECT_THAT(text_of("nae-keyserver.toml"), HasSubstr("listen = \"" + address + "\""));
}

TEST_F(InitialiseTest, WhatIsThereStays) {
  fs::create_directories(choices_.directory);
  std::ofstream(choices_.directory / "precious") << "mine";
  EXPECT_EQ(refusal(), Code::already_initialised);
  EXPECT_EQ(text_of("precious"), "mine");
  EXPECT_EQ(std::distance(fs::directory_iterator(choices_.directory), {}), 1);
}

TEST_F(InitialiseTest, ASecondTimeIsRefused) {
  made();
  const std::string before = text_of("admin/admin.pem");
  EXPECT_EQ(refusal(), Code::already_initialised);
  EXPECT_EQ(text_of("admin/admin.pem"), before);
}

TEST_F(InitialiseTest, AnEmptyDirectoryIsTaken) {
  fs::create_directories(choices_.directory);
  made();
}

TEST_F(InitialiseTest, AFailureLeavesNothing) {
  const Choices good = choices_;
  choices_.admin = "../root";
  EXPECT_EQ(refusal(), Code::invalid_argument);
  EXPECT_FALSE(fs::exists(choices_.directory));
  choices_ = good;
  choices_.module = "/nowhere/module.so";
  EXPECT_EQ(refusal(), Code::hsm_module_missing);
  EXPECT_FALSE(fs::exists(choices_.directory));
  choices_ = good;
  choices_.token_label = std::string(33, 'x');  // PKCS#11: 32 bytes
  EXPECT_EQ(refusal(), Code::config_invalid);
  EXPECT_FALSE(fs::exists(choices_.directory));
  choices_.token_label = std::string(32, 'x');
  made();
}

TEST_F(InitialiseTest, ADirectoryThatCannotBeMadeIsNamed) {
  std::ofstream(directory_ / "file") << "";
  choices_.directory = directory_ / "file" / "server";
  auto result = initialise(choices_);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::file_failed);
  EXPECT_THAT(result.error().message, HasSubstr("file/server"));
}

TEST_F(InitialiseTest, TheGroupBelongsToASoftwareCardWhereNobodyIsNamed) {
  const Made result = made();
  EXPECT_EQ(result.software_card, choices_.directory / "custody");
  EXPECT_THAT(result.holders, ElementsAre("software-card"));
  for (const char* file : {"custody.nae", "custody/card.pem", "custody/passphrase"})
    EXPECT_EQ(mode_of(file), 0600u) << file;
  const custody::CustodySet set = custody_set();
  ASSERT_TRUE(custody::check_signature(set));
  std::string passphrase = text_of("custody/passphrase");
  passphrase.pop_back();
  std::vector<crypto::Share> shares;
  shares.push_back(opened(set, 0, as_bytes(text_of("custody/card.pem")), passphrase));
  const auto secret = custody::join_shares(set, shares);
  ASSERT_TRUE(secret) << secret.error().message;
  const auto so_pin = crypto::unwrap_kwp(
      custody::wrapping_key(*secret, set.group, set.generation, custody::Kept::so_pin),
      set.find(custody::Kept::so_pin)->wrapped);
  ASSERT_TRUE(so_pin) << so_pin.error().message;
  EXPECT_EQ(std::string(as_text(so_pin->expose())) + "\n", text_of("hsm/so-pin"));
}

TEST_F(InitialiseTest, TheGroupBelongsToTwoOfThreeCards) {
  std::vector<crypto::SoftwareCard> cards;
  const std::vector<std::string> names{"alice", "bob", "carol"};
  for (const std::string& name : names) cards.push_back(card_of(name));
  choices_.custody.k = 2;
  const Made result = made();
  EXPECT_TRUE(result.software_card.empty());
  EXPECT_FALSE(fs::exists(choices_.directory / "custody")) << "no card stays at the server";
  EXPECT_THAT(result.holders, ElementsAre("alice", "bob", "carol"));
  const custody::CustodySet set = custody_set();
  EXPECT_EQ(set.k, 2u);
  std::vector<std::string> secrets;
  for (std::size_t left_out = 0; left_out < 3; ++left_out) {
    std::vector<crypto::Share> shares;
    for (std::size_t i = 0; i < 3; ++i)
      if (i != left_out) shares.push_back(opened(set, i, cards[i].pem, names[i]));
    secrets.emplace_back(as_text(custody::join_shares(set, shares)->expose()));
    EXPECT_EQ(secrets.back(), secrets.front());
    EXPECT_EQ(custody::join_shares(set, std::span(shares).first(1)).error().code,
              Code::approval_required);
  }
}

TEST_F(InitialiseTest, CardsThatAreNoneAreRefusedBeforeAnythingIsMade) {
  card_of("alice");
  choices_.custody.k = 2;
  EXPECT_EQ(refusal(), Code::invalid_argument) << "two of one";
  choices_.custody.cards.push_back(choices_.custody.cards.front());
  EXPECT_EQ(refusal(), Code::conflict) << "one card twice";
  choices_.custody.cards.back().file = directory_ / "nobody.pem";
  EXPECT_EQ(refusal(), Code::file_failed);
  std::ofstream(directory_ / "nobody.pem") << "no key";
  EXPECT_EQ(refusal(), Code::invalid_argument);
  const crypto::KeyPair p256 = crypto::generate_p256().value();
  std::ofstream(directory_ / "nobody.pem") << crypto::public_key_to_pem(p256.spki).value();
  EXPECT_EQ(refusal(), Code::key_type) << "that one does not decrypt";
  EXPECT_FALSE(fs::exists(choices_.directory));
}

TEST_F(InitialiseTest, WhatAnInterruptedRunLeftIsTakenBack) {
  const custody::GroupId group{7};
  fs::create_directories(choices_.directory / "hsm/tokens");
  {
    auto note = Unfinished::begin(choices_.directory, group, "");
    ASSERT_TRUE(note);
    ASSERT_TRUE(note->reached(Step::store));
  }
  std::ofstream(choices_.directory / "keys.db") << "half of it";
  std::ofstream(choices_.directory / ".keys.db.12-0.new") << "a part";
  EXPECT_EQ(made().taken_back, "store");
  EXPECT_FALSE(fs::exists(choices_.directory / "init.unfinished"));
}

TEST_F(InitialiseTest, WhatARunIsMakingNowIsLeftAlone) {
  {
    const auto running = Claim::take(choices_.directory);
    ASSERT_TRUE(running);
    ASSERT_TRUE(Unfinished::begin(choices_.directory, {7}, ""));
    std::ofstream(choices_.directory / "keys.db") << "half of it";
    const auto second = initialise(choices_);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Code::conflict);
    EXPECT_THAT(second.error().message, HasSubstr("another nae-keyserver works in"));
    EXPECT_EQ(text_of("keys.db"), "half of it");
    EXPECT_TRUE(find_left_behind(choices_.directory).value());
  }
  EXPECT_EQ(made().taken_back, "directory") << "it was killed";
}

// Nothing of init is in the directory before its note, and the note itself may have been cut.
TEST_F(InitialiseTest, ARunThatWasKilledAtItsFirstNoteIsTakenBack) {
  fs::create_directories(choices_.directory);
  std::ofstream(choices_.directory / ".init.unfinished.12-0.new") << "a part";
  EXPECT_EQ(made().taken_back, "directory");
}

// A file of somebody else's beside it: that is no directory of init's.
TEST_F(InitialiseTest, AFirstNoteBesideSomethingElseIsLeftAlone) {
  fs::create_directories(choices_.directory);
  std::ofstream(choices_.directory / ".init.unfinished.12-0.new") << "a part";
  std::ofstream(choices_.directory / "precious") << "mine";
  EXPECT_EQ(refusal(), Code::already_initialised);
  EXPECT_EQ(text_of("precious"), "mine");
}

TEST_F(InitialiseTest, NothingIsTakenBackThatNoRunHasMade) {
  fs::create_directories(choices_.directory);
  ASSERT_TRUE(Unfinished::begin(choices_.directory, {}, ""));
  std::ofstream(choices_.directory / "precious") << "mine";
  EXPECT_EQ(refusal(), Code::conflict);
  EXPECT_EQ(text_of("precious"), "mine");
  fs::remove(choices_.directory / "precious");
  std::ofstream(choices_.directory / "init.unfinished") << "something else";
  EXPECT_EQ(refusal(), Code::file_failed);
}

// Stopped between the configuration and the end of the note: the server is whole, and may be used.
TEST_F(InitialiseTest, AServerThatHasItsConfigurationIsNeverTakenBack) {
  made();
  ASSERT_TRUE(Unfinished::begin(choices_.directory, {}, ""));
  EXPECT_EQ(refusal(), Code::already_initialised);
  EXPECT_TRUE(fs::exists(choices_.directory / "keys.db"));
}

// Its configuration was moved away later: the note says that it may have been there.
TEST_F(InitialiseTest, ARunThatCameToItsLastStepIsNeverTakenBack) {
  made();
  auto note = Unfinished::begin(choices_.directory, {}, "");
  ASSERT_TRUE(note->reached(Step::configuration));
  fs::rename(choices_.directory / "nae-keyserver.toml", directory_ / "moved.toml");
  EXPECT_EQ(refusal(), Code::conflict);
  EXPECT_TRUE(fs::exists(choices_.directory / "keys.db"));
  EXPECT_TRUE(fs::exists(choices_.directory / "init.unfinished"));
}

TEST_F(InitialiseTest, ANoteBesideAConfigurationIsForgotten) {
  fs::create_directories(choices_.directory);
  auto note = Unfinished::begin(choices_.directory, {}, "");
  ASSERT_TRUE(forget_finished(choices_.directory));
  EXPECT_TRUE(fs::exists(choices_.directory / "init.unfinished")) << "no server is there yet";
  std::ofstream(choices_.directory / "nae-keyserver.toml") << "";
  ASSERT_TRUE(forget_finished(choices_.directory));
  EXPECT_FALSE(fs::exists(choices_.directory / "init.unfinished"));
  EXPECT_TRUE(note->finish()) << "the run itself comes late";
}

TEST_F(InitialiseTest, OfAnInterruptedRunTheKeysGoFromItsTokenAndNoOthers) {
  hsm::TestToken token;  // with a group of its own, whose id is another
  hsm::Provision second = token.provision();
  second.hsm.group_key_label = "second";
  second.group = {2};
  ASSERT_TRUE(hsm::initialise(second));
  EXPECT_TRUE(hsm::remove_group(second.hsm, {3}));
  EXPECT_TRUE(hsm::Pkcs11Hsm::open(second.hsm)) << "another group's";
  fs::create_directories(choices_.directory);
  auto note = Unfinished::begin(choices_.directory, {2}, "nae-test");
  ASSERT_TRUE(note->reached(Step::keys));
  const auto left = find_left_behind(choices_.directory).value();
  hsm::Options elsewhere = second.hsm;
  elsewhere.token_label = "other";
  EXPECT_EQ(take_back(choices_.directory, *left, elsewhere).error().code, Code::conflict);
  EXPECT_TRUE(take_back(choices_.directory, *left, second.hsm));
  EXPECT_EQ(hsm::Pkcs11Hsm::open(second.hsm).error().code, Code::group_key_missing);
  EXPECT_TRUE(hsm::Pkcs11Hsm::open(token.options())) << "the first group is as it was";
}

// Its note is all that tells of keys that are still on a token.
TEST_F(InitialiseTest, WhileAKeyStaysOnTheTokenTheNoteStays) {
  hsm::TestToken token{hsm::TestToken::Unprovisioned{}};
  ASSERT_TRUE(hsm::initialise(token.provision()));
  ASSERT_TRUE(hsm::remove_keys(token.options()));
  fs::create_directories(choices_.directory);
  auto note = Unfinished::begin(choices_.directory, {2}, "nae-test");
  ASSERT_TRUE(note->reached(Step::keys));
  {
    const auto module = std::move(*token.module());
    const auto session = std::move(*hsm::open_session(
        *module, token.options().token_label, pkcs11::read_pin(token.options().pin_file)->value));
    ASSERT_TRUE(hsm::put_lasting_object(*session, token.options().group_key_label,
                                        hsm::object_id(custody::Kept::group_key, {2})));
  }
  const auto left = find_left_behind(choices_.directory).value();
  const auto taken = take_back(choices_.directory, *left, token.options());
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, Code::hsm_failed) << taken.error().message;
  EXPECT_TRUE(fs::exists(choices_.directory / "init.unfinished"));
}

// The keys of a run that failed would stand in the next one's way.
TEST_F(InitialiseTest, OfATokenThatWasThereBeforeTheKeysGoAgain) {
  hsm::TestToken token{hsm::TestToken::Unprovisioned{}};
  ASSERT_TRUE(hsm::initialise(token.provision()));
  ASSERT_TRUE(hsm::remove_keys(token.options()));
  choices_.pin_file = token.options().pin_file;
  choices_.token_label = token.options().token_label;
  choices_.module = token.options().module;
  choices_.module_parameters = token.options().module_parameters;
  const std::vector<std::string> names = std::exchange(choices_.names, {"1.2.3.999"});
  auto failed = initialise(choices_);
  ASSERT_FALSE(failed) << "that is no address";
  EXPECT_THAT(failed.error().message, Not(HasSubstr("still on the token")));
  EXPECT_FALSE(fs::exists(choices_.directory));

  choices_.names = names;
  made();
  EXPECT_FALSE(fs::exists(choices_.directory / "hsm/pin")) << "it has one already";
  EXPECT_THAT(text_of("nae-keyserver.toml"),
              HasSubstr("pin_file = '" + choices_.pin_file.string() + "'"));
  fs::remove_all(choices_.directory);
  EXPECT_EQ(refusal(), Code::already_initialised) << "the token holds a server's keys";
}

}  // namespace
}  // namespace nae::setup

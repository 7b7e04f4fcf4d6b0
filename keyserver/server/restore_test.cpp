// Keys that k cards bring back onto a token, with SoftHSM's tokens as cards and as HSM; and every
// way in which the cards, the file or the token are not the right ones.
#include "keyserver/server/restore.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "keyserver/hsm/provision.hpp"
#include "keyserver/hsm/test_token.hpp"
#include "keyserver/keys/binding.hpp"
#include "keyserver/server/hsm_options.hpp"
#include "keyserver/server/server.hpp"
#include "keyserver/server/test_installation.hpp"
#include "keyserver/server/unfinished_restore.hpp"
#include "keyserver/setup/take_up_ledger.hpp"
#include "keyserver/store/sqlite/test_store.hpp"
#include "libnae/base/file.hpp"
#include "libnae/crypto/certificate.hpp"
#include "libnae/crypto/spki.hpp"
#include "libnae/custody/custody_secret.hpp"
#include "libnae/pkcs11/decrypting_key.hpp"
#include "libnae/pkcs11/module.hpp"
#include "libnae/pkcs11/pin_file.hpp"
#include "libnae/pkcs11/return_value.hpp"

namespace nae::server {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

[[maybe_unused]] const auto* const kHeap = crypto::take_secure_heap_for_tests();

class RestoreTest : public InstallationTest {
 protected:
  RestoreTest() {
    setup::use_softhsm_configuration(config_.hsm.softhsm_configuration);
    wanted_.custody = directory_ / "server/custody.nae";
  }
  static void write_secret(const fs::path& file, std::string_view text) {
    write(file, text);
    ::chmod(file.c_str(), 0600);
  }
  custody::SoftwareCardFiles software_card() const {
    return {directory_ / "server/custody/card.pem", directory_ / "server/custody/passphrase"};
  }
  // A key of the store, so that there is something to open.
  void add_key() {
    auto hsm = hsm::Pkcs11Hsm::open(hsm_options(config_));
    ASSERT_TRUE(hsm) << hsm.error().message;
    auto store = store::sqlite::Store::open(config_.store.path).value();
    ASSERT_TRUE(setup::take_up_ledger(*store, **hsm));
    keys::Key key = store::sqlite::make_key("k", 1);
    keys::Version version = store::sqlite::make_version(1);
    version.material = (*hsm)->generate({key.id, 1}, key.type).value();
    ASSERT_TRUE(keys::bind(**hsm, key, version));
    key.versions.replace(0, version);
    ASSERT_TRUE(store->insert_key(key));
  }
  void lose_token() {
    const fs::path tokens = directory_ / "server/hsm/tokens";
    for (const auto& token : fs::directory_iterator(tokens)) fs::remove_all(token.path());
  }
  bool holds_group() const { return hsm::Pkcs11Hsm::open(hsm_options(config_)).has_value(); }
  Error refusal() {
    const auto restored = restore(config_, wanted_);
    EXPECT_FALSE(restored);
    EXPECT_FALSE(holds_group()) << "nothing of it stays";
    return restored ? Error() : restored.error();
  }
  Restore wanted_;
};

TEST_F(RestoreTest, TheSoftwareCardBringsALostTokenBack) {
  add_key();
  lose_token();
  ASSERT_FALSE(holds_group());
  wanted_.software_cards = {software_card()};
  const auto restored = restore(config_, wanted_);
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_TRUE(restored->token_created) << "with the SO PIN from custody";
  EXPECT_THAT(restored->holders, ElementsAre("software-card"));
  EXPECT_EQ(restored->versions, 1u);
  EXPECT_THAT(restored->not_portable, IsEmpty());
  EXPECT_EQ(restored->not_recorded, "");
  EXPECT_TRUE(holds_group());
}

TEST_F(RestoreTest, ACustodyFileThatIsGoneIsWrittenAndOneThatIsThereStays) {
  add_key();
  const fs::path beside = wanted_.custody;
  const std::string content = read_file(beside, custody::kMaxSetBytes).value();
  wanted_.custody = directory_ / "from-the-safe.nae";
  fs::rename(beside, wanted_.custody);
  wanted_.software_cards = {software_card()};
  for (const bool gone : {true, false}) {
    lose_token();
    const auto restored = restore(config_, wanted_);
    ASSERT_TRUE(restored) << restored.error().message;
    EXPECT_EQ(restored->custody_written, gone ? beside : fs::path());
    EXPECT_EQ(read_file(beside, custody::kMaxSetBytes).value(), content);
  }
  EXPECT_EQ(fs::status(beside).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(RestoreTest, AFileThatMayBeTheLaterOneIsNotPassedOver) {
  const fs::path beside = wanted_.custody;
  const std::string content = read_file(beside, custody::kMaxSetBytes).value();
  wanted_.custody = directory_ / "from-the-safe.nae";
  write(wanted_.custody, content);
  wanted_.software_cards = {software_card()};
  std::string forged = content;
  forged.back() = static_cast<char>(forged.back() ^ 1);
  lose_token();
  for (const std::string& damaged : {std::string(), content.substr(0, 100), forged}) {
    write(beside, damaged);
    EXPECT_THAT(refusal().message, HasSubstr("does not tell whether the custodians have changed"));
  }
  fs::remove(beside);
  fs::create_symlink(directory_ / "nowhere", beside);
  EXPECT_EQ(refusal().code, Code::file_failed);
  fs::remove(beside);
  const auto restored = restore(config_, wanted_);
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_EQ(read_file(beside, custody::kMaxSetBytes).value(), content);
}

// What a restore leaves that is killed after it began to make keys.
TEST_F(RestoreTest, AnInterruptedOneIsTakenUpAndNoServerStartsMeanwhile) {
  add_key();
  const custody::GroupId group =
      custody::parse_custody_set(as_bytes(read_file(wanted_.custody, 1 << 16).value()))
          .value()
          .group;
  const fs::path note = directory_ / "server/restore.unfinished";
  wanted_.software_cards = {software_card()};
  for (const RestoreStep step : {RestoreStep::keys, RestoreStep::versions, RestoreStep::record}) {
    ASSERT_TRUE(UnfinishedRestore(config_, group).reached(step));
    auto server = Server::start(config_);
    ASSERT_FALSE(server);
    EXPECT_EQ(server.error().code, Code::not_initialised);
    EXPECT_THAT(server.error().message, HasSubstr("restore.unfinished"));
    const auto restored = restore(config_, wanted_);
    ASSERT_TRUE(restored) << restored.error().message;
    EXPECT_EQ(restored->taken_back, name(step));
    EXPECT_EQ(restored->versions, 1u);
    EXPECT_FALSE(fs::exists(note));
    EXPECT_TRUE(holds_group());
  }
  // With the token gone altogether, too.
  ASSERT_TRUE(UnfinishedRestore(config_, group).reached(RestoreStep::keys));
  lose_token();
  const auto restored = restore(config_, wanted_);
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_TRUE(restored->token_created);
}

TEST_F(RestoreTest, ANoteOfAnotherGroupOrNoneIsLeftAlone) {
  const fs::path note = directory_ / "server/restore.unfinished";
  wanted_.software_cards = {software_card()};
  ASSERT_TRUE(UnfinishedRestore(config_, custody::GroupId{1, 2, 3}).reached(RestoreStep::keys));
  auto refused = restore(config_, wanted_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::conflict);
  write(note, "a shopping list\n");
  refused = restore(config_, wanted_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::file_failed);
  EXPECT_TRUE(fs::exists(note));
  EXPECT_TRUE(holds_group()) << "nothing was taken away";
}

// Killed between making the token and giving it its PIN.
TEST_F(RestoreTest, ATokenWithoutItsPinGetsIt) {
  lose_token();
  {
    const auto so_pin = pkcs11::read_pin(directory_ / "server/hsm/so-pin").value();
    const auto module = pkcs11::Module::load(hsm::kSoftHsmModule, "").value();
    const Bytes label = pkcs11::padded_label(config_.hsm.token_label).value();
    ASSERT_EQ(module->calls().C_InitToken(pkcs11::find_free_slot(*module).value(),
                                          pkcs11::input_pointer(so_pin.value.expose()),
                                          so_pin.value.size(), pkcs11::input_pointer(label)),
              CKR_OK);
  }
  wanted_.software_cards = {software_card()};
  const auto restored = restore(config_, wanted_);
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_TRUE(holds_group());
}

TEST_F(RestoreTest, IsDeniedWithoutACard) {
  lose_token();
  const Error error = refusal();
  EXPECT_EQ(error.code, Code::approval_required);
  EXPECT_THAT(error.message, HasSubstr("0 of 1 cards are there: 1 missing"));
}

TEST_F(RestoreTest, OneCardTwiceIsRefused) {
  lose_token();
  wanted_.software_cards = {software_card(), software_card()};
  const Error error = refusal();
  EXPECT_EQ(error.code, Code::conflict);
  EXPECT_THAT(error.message, HasSubstr("software-card is there twice"));
}

TEST_F(RestoreTest, AWrongPassphraseIsRefused) {
  lose_token();
  write_secret(directory_ / "wrong", "wrong\n");
  wanted_.software_cards = {{software_card().card, directory_ / "wrong"}};
  EXPECT_EQ(refusal().code, Code::authentication_failed);
}

TEST_F(RestoreTest, AFlippedByteOfTheFileIsRefused) {
  lose_token();
  const std::string good = read_file(wanted_.custody, 1 << 16).value();
  wanted_.software_cards = {software_card()};
  for (std::size_t at = 0; at < good.size(); at += 97) {
    std::string changed = good;
    changed[at] ^= 1;
    write(wanted_.custody, changed);
    const Code code = refusal().code;
    EXPECT_TRUE(code == Code::invalid_argument || code == Code::authentication_failed ||
                code == Code::unsupported_version)
        << at;
  }
}

// A fresh machine: the log's directory is not there yet.
TEST_F(RestoreTest, WithoutTheLogsKeyOneIsNamed) {
  lose_token();
  wanted_.software_cards = {software_card()};
  const fs::path of_log = config_.audit.directory / "audit-public.pem";
  fs::rename(of_log, directory_ / "kept.pem");
  const Error error = refusal();
  EXPECT_EQ(error.code, Code::not_initialised);
  EXPECT_THAT(error.hint, HasSubstr("--audit-key"));
  fs::create_directory(of_log);
  EXPECT_FALSE(holds_group());
  EXPECT_NE(refusal().message, "") << "what cannot be read is not passed over";
  fs::remove(of_log);
  wanted_.audit_key = directory_ / "kept.pem";
  const auto restored = restore(config_, wanted_);
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_TRUE(holds_group());
}

TEST_F(RestoreTest, ATokenThatHoldsAGroupIsLeftAlone) {
  wanted_.software_cards = {software_card()};
  const auto restored = restore(config_, wanted_);
  ASSERT_FALSE(restored);
  EXPECT_EQ(restored.error().code, Code::already_initialised);
  EXPECT_TRUE(holds_group());
}

TEST_F(RestoreTest, AnotherServersCustodyIsRefused) {
  setup::Choices choices;
  choices.directory = directory_ / "other";
  choices.port = 0;
  ASSERT_TRUE(setup::initialise(choices));
  setup::use_softhsm_configuration(config_.hsm.softhsm_configuration);
  lose_token();
  wanted_.custody = choices.directory / "custody.nae";
  wanted_.software_cards = {
      {choices.directory / "custody/card.pem", choices.directory / "custody/passphrase"}};
  EXPECT_THAT(refusal().message, HasSubstr("custody of another group"));
  // A key that is named does not stand in for the log's.
  wanted_.audit_key = choices.directory / "audit/audit-public.pem";
  EXPECT_THAT(refusal().message, HasSubstr("custody of another group"));
  // Without the log's key nothing tells, and then another's is believed by name alone. The store
  // knows better: another group does not open it.
  fs::rename(config_.audit.directory / "audit-public.pem", directory_ / "kept.pem");
  EXPECT_EQ(refusal().code, Code::group_key_missing);
  wanted_.audit_key.clear();
  EXPECT_EQ(refusal().code, Code::not_initialised);
  wanted_.audit_key = directory_ / "kept.pem";
  EXPECT_THAT(refusal().message, HasSubstr("custody of another group"));
  wanted_.custody = directory_ / "server/custody.nae";
  const Error error = refusal();
  EXPECT_EQ(error.code, Code::conflict);
  EXPECT_THAT(error.message, HasSubstr("is no card of this custody file"));
}

// SoftHSM's tokens as the cards of three custodians: it does OAEP with SHA-1 alone.
class RestoreByCards : public RestoreTest {
 protected:
  RestoreByCards() {
    setup::Choices choices;
    choices.directory = directory_ / "three";
    choices.port = 0;
    choices.custody.k = 2;
    make_cards(choices);
    auto made = setup::initialise(choices);
    if (!made) throw std::runtime_error(made.error().message);
    config_ = config::load(made->configuration).value();
    // Cards and HSM are tokens of one module here, which has one directory.
    for (const auto& token : fs::directory_iterator(directory_ / "cards"))
      fs::copy(token.path(), directory_ / "three/hsm/tokens" / token.path().filename(),
               fs::copy_options::recursive);
    wanted_.custody = directory_ / "three/custody.nae";
  }
  void make_cards(setup::Choices& choices) {
    fs::create_directory(directory_ / "cards");
    write(directory_ / "cards.conf", "directories.tokendir = " + (directory_ / "cards").string() +
                                         "\nobjectstore.backend = file\nlog.level = ERROR\n");
    setup::use_softhsm_configuration(directory_ / "cards.conf");
    write_secret(directory_ / "card-pin", "2468\n");
    for (const std::string name : {"alice", "bob", "carol"}) {
      const auto module = pkcs11::Module::load(hsm::kSoftHsmModule, "").value();
      const Bytes spki = make_card(*module, name);
      write(directory_ / (name + ".pem"), crypto::public_key_to_pem(spki).value());
      choices.custody.cards.push_back(
          {directory_ / (name + ".pem"), custody::Sealing::rsa_oaep_sha1});
    }
  }
  static Bytes make_card(const pkcs11::Module& module, const std::string& name) {
    using pkcs11::input_pointer;
    const CK_FUNCTION_LIST& calls = module.calls();
    const Bytes label = pkcs11::padded_label(name).value();
    const ByteView so_pin = as_bytes("13579"), pin = as_bytes("2468");
    CK_SLOT_ID slot = pkcs11::find_free_slot(module).value();
    EXPECT_EQ(calls.C_InitToken(slot, input_pointer(so_pin), so_pin.size(), input_pointer(label)),
              CKR_OK);
    slot = pkcs11::find_token(module, name).value();
    CK_SESSION_HANDLE session = 0;
    EXPECT_EQ(
        calls.C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, nullptr, nullptr, &session),
        CKR_OK);
    EXPECT_EQ(calls.C_Login(session, CKU_SO, input_pointer(so_pin), so_pin.size()), CKR_OK);
    EXPECT_EQ(calls.C_InitPIN(session, input_pointer(pin), pin.size()), CKR_OK);
    calls.C_Logout(session);
    EXPECT_EQ(calls.C_Login(session, CKU_USER, input_pointer(pin), pin.size()), CKR_OK);
    pkcs11::Attributes public_half, private_half;
    const Byte exponent[] = {1, 0, 1};
    public_half.flag(CKA_TOKEN, true)
        .flag(CKA_ENCRYPT, true)
        .number(CKA_MODULUS_BITS, 2048)
        .bytes(CKA_PUBLIC_EXPONENT, exponent);
    private_half.flag(CKA_TOKEN, true)
        .flag(CKA_PRIVATE, true)
        .flag(CKA_SENSITIVE, true)
        .flag(CKA_DECRYPT, true);
    CK_MECHANISM mechanism{CKM_RSA_PKCS_KEY_PAIR_GEN, nullptr, 0};
    CK_OBJECT_HANDLE pair[2];
    EXPECT_EQ(calls.C_GenerateKeyPair(session, &mechanism, public_half.data(), public_half.size(),
                                      private_half.data(), private_half.size(), &pair[0], &pair[1]),
              CKR_OK);
    Bytes modulus(256);
    CK_ATTRIBUTE wanted{CKA_MODULUS, modulus.data(), modulus.size()};
    EXPECT_EQ(calls.C_GetAttributeValue(session, pair[0], &wanted, 1), CKR_OK);
    calls.C_CloseSession(session);
    return crypto::spki_of_rsa(modulus, exponent).value();
  }
  custody::TokenCard card(const std::string& name) const {
    return {hsm::kSoftHsmModule, name, directory_ / "card-pin"};
  }
  // The HSM's token; the cards stay.
  void lose_hsm() {
    setup::use_softhsm_configuration(config_.hsm.softhsm_configuration);
    ASSERT_TRUE(hsm::remove_keys(hsm_options(config_)));
  }
};

TEST_F(RestoreByCards, AnyTwoOfThreeBringTheKeysBack) {
  for (const auto& [a, b] : {std::pair{"alice", "bob"}, {"alice", "carol"}, {"carol", "bob"}}) {
    lose_hsm();
    wanted_.token_cards = {card(a), card(b)};
    const auto restored = restore(config_, wanted_);
    ASSERT_TRUE(restored) << restored.error().message;
    EXPECT_THAT(restored->holders, ElementsAre(a, b));
    EXPECT_FALSE(restored->token_created);
    EXPECT_TRUE(holds_group());
  }
}

TEST_F(RestoreByCards, OneOfTwoIsDenied) {
  lose_hsm();
  wanted_.token_cards = {card("bob")};
  const Error error = refusal();
  EXPECT_EQ(error.code, Code::approval_required);
  EXPECT_THAT(error.message, HasSubstr("1 of 2 cards are there: 1 missing"));
}

TEST_F(RestoreByCards, OneCardTwiceIsDenied) {
  lose_hsm();
  wanted_.token_cards = {card("bob"), card("bob")};
  EXPECT_THAT(refusal().message, HasSubstr("the card of bob is there twice"));
}

TEST_F(RestoreByCards, AWrongPinIsTriedOnceAndNamed) {
  lose_hsm();
  write_secret(directory_ / "wrong-pin", "9999\n");
  wanted_.token_cards = {card("alice"), {hsm::kSoftHsmModule, "bob", directory_ / "wrong-pin"}};
  const Error error = refusal();
  EXPECT_EQ(error.code, Code::hsm_pin_rejected);
  EXPECT_THAT(error.message, HasSubstr("the card 'bob'"));
}

TEST_F(RestoreByCards, ATokenThatIsNoCardOfTheirsIsNamed) {
  lose_hsm();
  wanted_.token_cards = {card("alice"), {hsm::kSoftHsmModule, "nobody", directory_ / "card-pin"}};
  EXPECT_EQ(refusal().code, Code::hsm_token_missing);
}

}  // namespace
}  // namespace nae::server

#include "keyserver/store/engines/test_engine.hpp"

namespace nae::store {
namespace {

TEST_P(EngineTest, KeysComeBackAsTheyWere) {
  keys::Key key = make_key("customer-pii");
  key.versions.push_back(
      {2, keys::State::pre_active, 5, {{}, "token-label", bytes_of(std::string_view("p\0k", 3))}});
  {
    auto store = create();
    ASSERT_TRUE(store->insert_key(key));
    ASSERT_TRUE(store->insert_version(key.id, make_version(3)));
  }
  auto keys = reopen()->load_keys();
  ASSERT_TRUE(keys);
  ASSERT_EQ(keys->size(), 1u);
  const keys::Key& read = keys->front();
  EXPECT_EQ(read.id, key.id);
  EXPECT_EQ(read.name, "customer-pii");
  EXPECT_EQ(read.type, KeyType::aes_256_gcm);
  EXPECT_EQ(read.created_at_us, key.created_at_us);
  ASSERT_EQ(read.versions.size(), 3u);
  EXPECT_EQ(read.versions[0].material.wrapped, bytes_of("wrapped-material"));
  EXPECT_EQ(read.versions[1].state, keys::State::pre_active);
  EXPECT_TRUE(read.versions[1].material.wrapped.empty());
  EXPECT_EQ(read.versions[1].material.token_object, "token-label");
  EXPECT_EQ(read.versions[1].material.public_key, key.versions[1].material.public_key);
  EXPECT_EQ(read.versions[2].number, 3);
}

TEST_P(EngineTest, AttributesAndSchedulesComeBackAsTheyWere) {
  keys::Key key = make_key("contracts");
  key.type = KeyType::rsa_3072;
  key.protection = keys::Protection::hsm_only;
  key.attributes = {.owner = "legal",
                    .description = "contracts since 2026",
                    .labels = {{"env", "production"}, {"tier", ""}},
                    .actions = {Action::sign, Action::verify},
                    .algorithms = {SignatureScheme::rsa_pss_sha256},
                    .rotate_after_days = 90,
                    .rotate_after_uses = 1'000'000};
  keys::Version planned = make_version(2);
  planned.state = keys::State::pre_active;
  planned.schedule = {{keys::State::active, 10}, {keys::State::restricted, 20}};
  key.versions.push_back(planned);
  {
    auto store = create();
    ASSERT_TRUE(store->insert_key(make_key("other", 9)));
    ASSERT_TRUE(store->insert_key(key));
  }
  auto store = reopen();
  keys::Key read = store->load_keys()->front();
  EXPECT_EQ(read.protection, keys::Protection::hsm_only);
  EXPECT_EQ(read.attributes, key.attributes);
  EXPECT_EQ(read.versions[1].schedule, planned.schedule);
  EXPECT_TRUE(read.versions[0].schedule.empty());

  key.attributes = {.owner = "sales", .labels = {{"env", "test"}}};
  ASSERT_TRUE(store->set_attributes(key.id, key.attributes));
  ASSERT_TRUE(store->set_schedule({key.id, 2}, {{keys::State::retired, 7}}));
  read = store->load_keys()->front();
  EXPECT_EQ(read.attributes, key.attributes);
  EXPECT_EQ(read.versions[1].schedule, (std::vector<keys::Step>{{keys::State::retired, 7}}));
  ASSERT_TRUE(store->set_state({key.id, 2}, keys::State::retired, 8, {}));
  read = store->load_keys()->front();
  EXPECT_EQ(read.versions[1].changed_at_us, 8);
  EXPECT_TRUE(read.versions[1].schedule.empty());
  EXPECT_EQ(store->set_attributes({{7}}, {}).error().code, Code::not_found);
  EXPECT_EQ(store->set_schedule({key.id, 3}, {}).error().code, Code::not_found);
}

TEST_P(EngineTest, CertificatesComeBackAndGoWithTheirVersion) {
  const keys::Key key = make_key("web");
  const KeyVersionId id{key.id, 1};
  {
    auto store = create();
    ASSERT_TRUE(store->insert_key(key));
    ASSERT_TRUE(store->insert_version(key.id, make_version(2)));
    ASSERT_TRUE(store->set_certificates(id, bytes_of("an older chain")));
    ASSERT_TRUE(store->set_certificates(id, bytes_of("a chain")));
    ASSERT_TRUE(store->set_certificates({key.id, 2}, bytes_of("another")));
  }
  auto store = reopen();
  keys::Key read = store->load_keys()->front();
  EXPECT_EQ(read.versions[0].certificates, bytes_of("a chain"));
  EXPECT_EQ(read.versions[1].certificates, bytes_of("another"));
  ASSERT_TRUE(store->set_certificates({key.id, 2}, {}));
  EXPECT_TRUE(store->load_keys()->front().versions[1].certificates.empty());

  ASSERT_TRUE(store->set_state(id, keys::State::retired, 8, {}));
  EXPECT_EQ(store->load_keys()->front().versions[0].certificates, bytes_of("a chain"));
  ASSERT_TRUE(store->set_state(id, keys::State::destroyed, 9, {}));
  EXPECT_TRUE(store->load_keys()->front().versions[0].certificates.empty());
  EXPECT_EQ(store->set_certificates(id, bytes_of("a chain")).error().code, Code::key_state);
  EXPECT_EQ(store->set_certificates({key.id, 3}, bytes_of("a chain")).error().code,
            Code::not_found);
  EXPECT_FALSE(store->set_certificates({key.id, 2}, Bytes(24'577, 1))) << "past the bound";
  EXPECT_TRUE(store->set_certificates({key.id, 2}, Bytes(24'576, 1)));
}

TEST_P(EngineTest, UsesAreNeverTooFewAfterACrash) {
  const KeyVersionId id{{{1, 2, 3, 4, 5, 6}}, 1};
  auto store = create();
  ASSERT_TRUE(store->insert_key(make_key("k")));
  EXPECT_EQ(store->open_usage()->at(0).uses, 0);
  ASSERT_TRUE(store->save_usage({{id, 100, 500, 7, 1, 2}}, false));
  store = nullptr;  // without closing
  store = reopen();
  keys::UsageCount count = store->open_usage()->at(0);
  EXPECT_EQ(count.uses, 500) << "all that was set aside";
  EXPECT_EQ(count.reads, 7);
  EXPECT_EQ(count.last_read_at_us, 2);
  ASSERT_TRUE(store->save_usage({{id, 510, 900, 8, 3, 4}}, true));
  store = nullptr;
  count = reopen()->open_usage()->at(0);
  EXPECT_EQ(count.uses, 510) << "exact after a clean stop";
  EXPECT_EQ(count.reserved_uses, 900);
}

TEST_P(EngineTest, AnAttributeThatNobodyKnowsIsRefused) {
  {
    auto store = create();
    ASSERT_TRUE(store->insert_key(make_key("k")));
    tamper("UPDATE keys SET actions = 'decrypt levitate'");
  }
  EXPECT_EQ(reopen()->load_keys().error().code, Code::store_corrupt)
      << "left out in silence it would have allowed more";
}

TEST_P(EngineTest, KeyNamesAndIdsAreUnique) {
  auto store = create();
  ASSERT_TRUE(store->insert_key(make_key("k", 1)));
  EXPECT_EQ(store->insert_key(make_key("k", 2)).error().code, Code::key_exists);
  EXPECT_EQ(store->insert_key(make_key("other", 1)).error().code, Code::conflict);
  EXPECT_EQ(store->load_keys()->size(), 1u);
}

TEST_P(EngineTest, AKeyIsStoredWholeOrNotAtAll) {
  auto store = create();
  keys::Key key = make_key("k");
  key.versions.push_back(make_version(1));  // the same number again
  EXPECT_EQ(store->insert_key(key).error().code, Code::conflict);
  key.versions.clear();
  EXPECT_FALSE(store->insert_key(key));
  EXPECT_TRUE(store->load_keys()->empty());
  EXPECT_TRUE(store->insert_key(make_key("k")));
}

TEST_P(EngineTest, VersionsNeedTheirKeyAndAFreeNumber) {
  auto store = create();
  ASSERT_TRUE(store->insert_key(make_key("k", 1)));
  EXPECT_EQ(store->insert_version({{1, 2, 3, 4, 5, 6}}, make_version(1)).error().code,
            Code::conflict);
  EXPECT_EQ(store->insert_version({{9, 9, 9, 9, 9, 9}}, make_version(1)).error().code,
            Code::not_found);
  EXPECT_EQ(store->insert_version({{1, 2, 3, 4, 5, 6}}, make_version(0)).error().code,
            Code::conflict);
}

TEST_P(EngineTest, StatesChangeButDestructionIsFinal) {
  auto store = create();
  ASSERT_TRUE(store->insert_key(make_key("k")));
  KeyVersionId id{{{1, 2, 3, 4, 5, 6}}, 1};
  for (auto state : {keys::State::restricted, keys::State::retired, keys::State::destroyed,
                     keys::State::destroyed}) {
    ASSERT_TRUE(store->set_state(id, state, 9, {}));
    EXPECT_EQ(store->load_keys()->front().versions.front().state, state);
  }
  EXPECT_EQ(store->set_state(id, keys::State::active, 9, {}).error().code, Code::key_state);
  EXPECT_EQ(store->set_state({id.key, 2}, keys::State::active, 9, {}).error().code,
            Code::not_found);
  EXPECT_EQ(store->set_state({{}, 1}, keys::State::active, 9, {}).error().code, Code::not_found);
}

TEST_P(EngineTest, BindingsComeBackAsTheyWere) {
  keys::Key key = make_key("k");
  keys::Version version = make_version(1);
  version.binding = {keys::Origin::imported, Bytes(32, 7), bytes_of("signature")};
  key.versions.replace(0, version);
  ASSERT_TRUE(create()->insert_key(key));
  auto store = reopen();
  const keys::Binding read = store->load_keys()->front().versions[0].binding;
  EXPECT_EQ(read.origin, keys::Origin::imported);
  EXPECT_EQ(read.check_value, Bytes(32, 7));
  EXPECT_EQ(read.signature, bytes_of("signature"));
}

TEST_P(EngineTest, ASecretIsOneVersionsAlsoAfterItsDestruction) {
  keys::Key key = make_key("k", 1), twin = make_key("twin", 2);
  keys::Version version = make_version(1);
  version.binding = {keys::Origin::generated, Bytes(32, 7), bytes_of("signature")};
  key.versions.replace(0, version);
  twin.versions.replace(0, version);
  auto store = create();
  ASSERT_TRUE(store->insert_key(key));
  EXPECT_EQ(store->insert_key(twin).error().code, Code::conflict);
  version.number = 2;
  EXPECT_EQ(store->insert_version(key.id, version).error().code, Code::conflict);
  ASSERT_TRUE(store->set_state({key.id, 1}, keys::State::retired, 9, {}));
  ASSERT_TRUE(store->set_state({key.id, 1}, keys::State::destroyed, 9, {}));
  EXPECT_EQ(store->load_keys()->front().versions[0].binding.check_value, Bytes(32, 7));
  EXPECT_TRUE(store->load_keys()->front().versions[0].binding.signature.empty());
  EXPECT_EQ(store->insert_key(twin).error().code, Code::conflict);
  version.binding.check_value = Bytes(32, 8);
  EXPECT_TRUE(store->insert_version(key.id, version));
  version.binding.check_value = Bytes(31, 9);
  version.number = 3;
  EXPECT_EQ(store->insert_version(key.id, version).error().code, Code::conflict);
}

TEST_P(EngineTest, TheFileItselfRefusesToUndoADestruction) {
  auto store = create();
  ASSERT_TRUE(store->insert_key(make_key("k")));
  ASSERT_TRUE(store->set_state({{{1, 2, 3, 4, 5, 6}}, 1}, keys::State::destroyed, 9, {}));
  EXPECT_NE(refusal("UPDATE versions SET state = 2"), "");
  EXPECT_NE(refusal("DELETE FROM versions"), "");
}

}  // namespace
}  // namespace nae::store

#include <algorithm>
#include <atomic>
#include <thread>

#include "keyserver/keys/test_ring.hpp"
#include "libnae/crypto/secure_heap_test_environment.hpp"

namespace nae::keys {
namespace {

[[maybe_unused]] const auto* const kHeap = crypto::take_secure_heap_for_tests();

TEST_F(Ring, KeysAreHsmOnlyWhereTheHsmComputesTheirAlgorithm) {
  auto siv = ring.create({"siv", KeyType::aes_256_siv, {}, Protection::hsm_only});
  ASSERT_FALSE(siv);
  EXPECT_EQ(siv.error().code, Code::unsupported);
  EXPECT_EQ(hsm_jobs, 0);
  auto gcm = ring.create({"gcm", KeyType::aes_256_gcm, {}, Protection::hsm_only});
  ASSERT_TRUE(gcm) << gcm.error().message;
  auto rotated = ring.rotate("gcm");
  ASSERT_TRUE(rotated);
  for (const Version& version : (*rotated)->versions) {
    Bytes envelope(kHsmGcmOverheadBytes);
    EXPECT_TRUE(hsm->seal(hsm_key(**rotated, version), {}, {}, envelope)) << version.number;
  }
}

TEST_F(Ring, AnImportThatFailsLeavesNoKey) {
  NewKey wanted{"imported", KeyType::aes_256_gcm};
  wanted.import = Import{Bytes(424), {}};
  auto made = ring.create(wanted);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Code::authentication_failed);
  EXPECT_EQ(ring.find("imported"), nullptr);
  EXPECT_TRUE(repository.keys.empty());
}

TEST_F(Ring, RefusesNamesThatAreNone) {
  for (std::string_view name : {"", "-a", "a b", "a/b", "ä", "a\n"})
    EXPECT_EQ(create_error(name), Code::invalid_argument) << name;
  EXPECT_EQ(create_error(std::string(129, 'a')), Code::invalid_argument);
  EXPECT_EQ(hsm_jobs, 0);
}

TEST_F(Ring, RefusesANameThatIsTaken) {
  ASSERT_TRUE(ring.create("a", KeyType::aes_256_gcm));
  EXPECT_EQ(create_error("a", KeyType::ed25519), Code::key_exists);
}

TEST_F(Ring, RefusesUnknownKeysAndVersions) {
  EXPECT_EQ(ring.rotate("a").error().code, Code::key_unknown);
  EXPECT_EQ(state_error("a", 1, State::retired), Code::key_unknown);
  ASSERT_TRUE(ring.create("a", KeyType::aes_256_gcm));
  EXPECT_EQ(state_error("a", 0, State::retired), Code::not_found);
  EXPECT_EQ(state_error("a", 2, State::retired), Code::not_found);
  EXPECT_EQ(ring.find("b"), nullptr);
  EXPECT_EQ(ring.find(KeyId{}), nullptr);
}

TEST_F(Ring, RefusesStepsThatTheTableDoesNotHave) {
  ASSERT_TRUE(ring.create("a", KeyType::aes_256_gcm));
  EXPECT_EQ(state_error("a", 1, State::destroyed), Code::key_state);
  EXPECT_EQ(state_error("a", 1, State::pre_active), Code::key_state);
  EXPECT_EQ(ring.find("a")->versions[0].state, State::active);
}

TEST_F(Ring, RefusesAStoreThatContradictsItself) {
  ASSERT_TRUE(ring.create("a", KeyType::aes_256_gcm));
  repository.keys.push_back(repository.keys[0]);
  EXPECT_EQ(ring.load().error().code, Code::store_corrupt);
  repository.keys.pop_back();
  repository.keys[0].versions.clear();
  EXPECT_EQ(ring.load().error().code, Code::store_corrupt);
  EXPECT_NE(ring.find("a"), nullptr) << "what was there stays when loading fails";
}

TEST_F(Ring, ChangesNothingWhenTheStoreIsAway) {
  ASSERT_TRUE(ring.create("a", KeyType::aes_256_gcm));
  repository.away = true;
  EXPECT_EQ(create_error("b"), Code::store_unavailable);
  EXPECT_EQ(ring.rotate("a").error().code, Code::store_unavailable);
  EXPECT_EQ(state_error("a", 1, State::restricted), Code::store_unavailable);
  EXPECT_EQ(ring.size(), 1u);
  EXPECT_EQ(ring.find("a")->versions.size(), 1u);
  EXPECT_EQ(ring.find("a")->versions[0].state, State::active);
}

TEST_F(Ring, ChangesNothingWhenTheHsmIsAway) {
  hsm_error = Error(Code::hsm_unavailable, "away");
  EXPECT_EQ(create_error("a"), Code::hsm_unavailable);
  EXPECT_TRUE(repository.keys.empty());
}

// What another key server has changed, a revocation perhaps, does not wait for the HSM of this one.
TEST_F(Ring, TakesInWhatTheStoreHasWhileTheHsmIsAway) {
  ASSERT_TRUE(ring.create("a", KeyType::aes_256_gcm));
  ASSERT_TRUE(ring.load());
  ASSERT_TRUE(ring.set_state("a", 1, State::restricted));
  hsm_error = Error(Code::hsm_unavailable, "away");
  ASSERT_TRUE(ring.load());
  EXPECT_EQ(ring.find("a")->versions[0].state, State::restricted);
  Version planted = repository.keys[0].versions[0];
  planted.binding.signature.back() ^= 1;
  repository.keys[0].versions.replace(0, std::move(planted));
  EXPECT_FALSE(ring.load()) << "and checks it as before";
}

TEST_F(Ring, LeavesNoTokenObjectBehindWhenTheStoreRefuses) {
  repository.away = true;
  EXPECT_EQ(create_error("a", KeyType::ed25519), Code::store_unavailable);
  EXPECT_EQ(token_objects(), kServerObjects);
}

TEST_F(Ring, UndoesAKeyThatCameTooLate) {
  std::vector<HsmJob> late;
  int calls = 0;
  KeyRing impatient(repository, &repository, [&](HsmJob job) -> Result<void> {
    if (++calls == 1) return job(*hsm);  // the id
    late.push_back(std::move(job));
    return fail(Code::timeout, "busy");
  });
  const auto made = impatient.create("a", KeyType::ed25519);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Code::timeout);
  ASSERT_EQ(late.size(), 1u);
  ASSERT_TRUE(late[0](*hsm)) << "the job runs after its caller has gone";
  EXPECT_TRUE(repository.keys.empty());
  EXPECT_EQ(token_objects(), kServerObjects);
}

TEST_F(Ring, TakesAnAnswerThatCameAsItGaveUp) {
  int calls = 0;
  KeyRing late(repository, &repository, [&](HsmJob job) -> Result<void> {
    auto run = job(*hsm);
    if (++calls == 2) return fail(Code::timeout, "just too late");
    return run;
  });
  EXPECT_TRUE(late.create("a", KeyType::aes_256_gcm));
}

TEST_F(Ring, CreatesEveryType) {
  for (const KeyTypeRow& row : key_types()) {
    if (row.type == KeyType::rsa_4096) continue;  // slow, and no different from 3072 here
    const auto made =
        ring.create({std::string(row.name), row.type, {}, usual_protection(row.type)});
    ASSERT_TRUE(made) << row.name << " " << made.error().message;
    EXPECT_EQ((*made)->type, row.type);
    EXPECT_EQ((*made)->created_at_us, 1'000'000);
    EXPECT_EQ((*made)->primary()->number, 1);
    EXPECT_EQ(ring.find(row.name), *made);
    EXPECT_EQ(ring.find((*made)->id), *made);
  }
  const auto listed = ring.list();
  EXPECT_TRUE(std::ranges::is_sorted(listed, {}, [](const auto& key) { return key->name; }));
  EXPECT_EQ(listed.size(), ring.size());
}

TEST_F(Ring, RotationAddsAVersionAndLeavesReadersTheirs) {
  const auto first = *ring.create("a", KeyType::aes_256_gcm);
  const auto second = *ring.rotate("a");
  EXPECT_EQ(first->versions.size(), 1u) << "what a reader holds does not change under it";
  ASSERT_EQ(second->versions.size(), 2u);
  EXPECT_EQ(second->primary()->number, 2);
  EXPECT_EQ(second->version(1)->state, State::active);
  EXPECT_NE(second->version(1)->material.wrapped, second->version(2)->material.wrapped);
  EXPECT_EQ(ring.find(first->id), second);
  ASSERT_TRUE(ring.load());
  EXPECT_EQ(ring.find("a")->versions.size(), 2u);
}

TEST_F(Ring, RefusesVersion65536) {
  ASSERT_TRUE(ring.create("a", KeyType::aes_256_gcm));
  repository.change({repository.keys[0].id, 1}, [&](Version& v) {
    v.number = 65535;
    EXPECT_TRUE(bind(*hsm, repository.keys[0], v));
  });
  ASSERT_TRUE(ring.load());
  EXPECT_EQ(ring.rotate("a").error().code, Code::key_exhausted);
}

TEST_F(Ring, TheStateAVersionIsInIsNoChange) {
  const auto key = *ring.create("a", KeyType::aes_256_gcm);
  repository.away = true;
  EXPECT_EQ(*ring.set_state("a", 1, State::active), key);
}

TEST_F(Ring, DestructionErasesTheMaterial) {
  ASSERT_TRUE(ring.create("a", KeyType::ecdsa_p256));
  ASSERT_TRUE(ring.set_state("a", 1, State::retired));
  const auto gone = *ring.set_state("a", 1, State::destroyed);
  EXPECT_TRUE(gone->versions[0].material.wrapped.empty());
  EXPECT_TRUE(gone->versions[0].material.public_key.empty());
  EXPECT_EQ(gone->primary(), nullptr);
  EXPECT_EQ(state_error("a", 1, State::retired), Code::key_state);
}

TEST_F(Ring, DestructionOfATokenObjectWaitsForTheHsm) {
  const auto key = *ring.create("a", KeyType::ed25519);
  ASSERT_TRUE(ring.set_state("a", 1, State::retired));
  hsm_error = Error(Code::hsm_unavailable, "away");
  EXPECT_EQ(state_error("a", 1, State::destroyed), Code::hsm_unavailable);
  EXPECT_EQ(ring.find("a")->versions[0].state, State::retired);
  hsm_error.reset();
  EXPECT_TRUE(signs(*key));
  ASSERT_TRUE(ring.set_state("a", 1, State::destroyed));
  EXPECT_FALSE(signs(*key));
}

TEST_F(Ring, AVersionBecomesActiveAtItsDate) {
  ASSERT_TRUE(ring.create("a", KeyType::aes_256_gcm));
  EXPECT_EQ(ring.rotate("a", now_us).error().code, Code::invalid_argument) << "now is too late";
  const auto planned = *ring.rotate("a", now_us + 10);
  EXPECT_EQ(planned->primary()->number, 1);
  now_us += 9;
  EXPECT_TRUE(ring.due().empty());
  now_us += 1;
  const auto due = ring.due();
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ((*ring.perform(due[0]))->primary()->number, 2);
  EXPECT_TRUE(ring.due().empty());
  EXPECT_EQ(ring.perform(due[0]).error().code, Code::conflict) << "nothing is done twice";
}

TEST_F(Ring, ARotationOfAKnownVersionIsMadeOnce) {
  ASSERT_TRUE(ring.create("a", KeyType::aes_256_gcm));
  EXPECT_EQ(ring.rotate("none", 0, 1).error().code, Code::key_unknown);
  EXPECT_EQ(ring.rotate("a", 0, 2).error().code, Code::conflict) << "there is none yet";
  for (int time = 0; time < 3; ++time) EXPECT_EQ((*ring.rotate("a", 0, 1))->versions.size(), 2u);
  EXPECT_EQ(ring.rotate("a", now_us + 10, 1).error().code, Code::conflict)
      << "that was another rotation: at once";
  EXPECT_EQ((*ring.rotate("a", now_us + 10, 2))->versions.size(), 3u);
  EXPECT_EQ((*ring.rotate("a", now_us + 10, 2))->versions.size(), 3u) << "planned";
  EXPECT_EQ(ring.rotate("a", now_us + 11, 2).error().code, Code::conflict) << "for another date";
  EXPECT_EQ(ring.rotate("a", 0, 2).error().code, Code::conflict) << "not at once";
  EXPECT_EQ(ring.rotate("a", 0, 1).error().code, Code::conflict) << "two versions ago";
  now_us += 10;
  ASSERT_TRUE(ring.perform(ring.due().at(0)));
  EXPECT_EQ((*ring.rotate("a", now_us, 2))->versions.size(), 3u) << "its date has come";
  EXPECT_EQ((*ring.rotate("a", 0, 3))->versions.size(), 4u);
}

TEST_F(Ring, OfRotationsAtOneTimeOneIsMade) {
  ASSERT_TRUE(ring.create("a", KeyType::aes_256_gcm));
  std::vector<std::thread> threads;
  std::atomic<int> same = 0;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      if (auto rotated = ring.rotate("a", 0, 1); rotated && (*rotated)->versions.size() == 2)
        ++same;
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(same, 8);
  EXPECT_EQ(ring.find("a")->versions.size(), 2u);
}

TEST_F(Ring, PlansSurviveARestart) {
  ASSERT_TRUE(ring.create("a", KeyType::aes_256_gcm));
  ASSERT_TRUE(ring.schedule("a", 1, {State::restricted, now_us + 5}));
  ASSERT_TRUE(ring.load());
  now_us += 100;
  ASSERT_EQ(ring.due().size(), 1u);
  EXPECT_EQ((*ring.perform(ring.due()[0]))->version(1)->state, State::restricted);
}

TEST_F(Ring, RefusesPlansThatCannotBe) {
  ASSERT_TRUE(ring.create("a", KeyType::aes_256_gcm));
  auto plan = [&](State state, std::int64_t at_us) {
    auto done = ring.schedule("a", 1, {state, at_us});
    return done ? Code{} : done.error().code;
  };
  EXPECT_EQ(plan(State::restricted, now_us), Code::invalid_argument);
  EXPECT_EQ(plan(State::destroyed, now_us + 5), Code::key_state);
  EXPECT_EQ(plan(State::retired, now_us + 5), Code{});
  EXPECT_EQ(plan(State::restricted, now_us + 6), Code::key_state) << "that would bring it back";
  EXPECT_EQ(plan(State::destroyed, now_us + 9), Code{});
  EXPECT_EQ(ring.cancel("a", 1, State::retired).error().code, Code::key_state) << "needed";
  EXPECT_EQ(ring.cancel("a", 1, State::active).error().code, Code::not_found);
  EXPECT_EQ(ring.schedule("b", 1, {State::retired, 9}).error().code, Code::key_unknown);
}

TEST_F(Ring, AChangeByHandIsNotUndoneByAPlan) {
  ASSERT_TRUE(ring.create("a", KeyType::aes_256_gcm));
  ASSERT_TRUE(ring.schedule("a", 1, {State::restricted, now_us + 5}));
  const auto retired = *ring.set_state("a", 1, State::retired);
  EXPECT_TRUE(retired->version(1)->schedule.empty());
  now_us += 10;
  EXPECT_TRUE(ring.due().empty());
}

TEST_F(Ring, DestructionWaitsAndCanBeCancelled) {
  KeyRing patient(repository, &repository, [this](HsmJob job) { return job(*hsm); },
                  {.now = [this] { return now_us; }, .destroy_wait_us = 100});
  ASSERT_TRUE(patient.create("a", KeyType::aes_256_gcm));
  ASSERT_TRUE(patient.set_state("a", 1, State::retired));
  const auto waiting = *patient.set_state("a", 1, State::destroyed);
  EXPECT_EQ(waiting->version(1)->state, State::retired);
  EXPECT_FALSE(waiting->version(1)->material.wrapped.empty());
  const std::int64_t date = find_step(*waiting->version(1), State::destroyed)->at_us;
  EXPECT_EQ(date, now_us + 100);
  now_us += 50;
  EXPECT_EQ(patient.set_state("a", 1, State::restricted).error().code, Code::key_state);
  EXPECT_EQ(find_step(*(*patient.set_state("a", 1, State::destroyed))->version(1), State::destroyed)
                ->at_us,
            date)
      << "asking again moves nothing";
  EXPECT_EQ(patient.schedule("a", 1, {State::destroyed, now_us + 99}).error().code,
            Code::invalid_argument);
  ASSERT_TRUE(patient.cancel("a", 1, State::destroyed));
  now_us += 100;
  EXPECT_TRUE(patient.due().empty());
  ASSERT_TRUE(patient.set_state("a", 1, State::destroyed));
  now_us += 100;
  const auto gone = *patient.perform(patient.due().at(0));
  EXPECT_EQ(gone->version(1)->state, State::destroyed);
  EXPECT_TRUE(gone->version(1)->material.wrapped.empty());
}

TEST_F(Ring, DestructionWaitsForSteadyTimeAsWell) {
  std::int64_t steady_us = 5000;
  KeyRing patient(repository, &repository, [this](HsmJob job) { return job(*hsm); },
                  {.now = [this] { return now_us; },
                   .steady = [&] { return steady_us; },
                   .destroy_wait_us = 100});
  ASSERT_TRUE(patient.create("a", KeyType::aes_256_gcm));
  ASSERT_TRUE(patient.create("b", KeyType::aes_256_gcm));
  ASSERT_TRUE(patient.schedule("a", 1, {State::restricted, now_us + 150}));
  ASSERT_TRUE(patient.schedule("a", 1, {State::retired, now_us + 160}));
  ASSERT_TRUE(patient.schedule("a", 1, {State::destroyed, now_us + 170}));
  ASSERT_TRUE(patient.set_state("b", 1, State::retired));
  ASSERT_TRUE(patient.set_state("b", 1, State::destroyed));
  const std::int64_t planned_us = now_us;
  now_us += 1'000'000;
  steady_us += 99;
  auto due = patient.due();
  ASSERT_EQ(due.size(), 2u) << "what can be mended follows the date alone";
  for (const Due& step : due) ASSERT_TRUE(patient.perform(step));
  const Due forced{planned_us + 100, patient.find("b")->id, 1, State::destroyed};
  EXPECT_EQ(patient.perform(forced).error().code, Code::conflict) << "nor when told to";
  ASSERT_TRUE(patient.load());
  EXPECT_TRUE(patient.due().empty()) << "nor after a restart";
  steady_us += 1;
  due = patient.due();
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0], forced);
  EXPECT_EQ((*patient.perform(due[0]))->version(1)->state, State::destroyed);
  steady_us += 69;
  EXPECT_TRUE(patient.due().empty());
  steady_us += 1;
  EXPECT_EQ((*patient.perform(patient.due().at(0)))->version(1)->state, State::destroyed);
}

TEST_F(Ring, SteadyTimeAloneDestroysNothing) {
  std::int64_t steady_us = 5000;
  KeyRing patient(repository, &repository, [this](HsmJob job) { return job(*hsm); },
                  {.now = [this] { return now_us; },
                   .steady = [&] { return steady_us; },
                   .destroy_wait_us = 100});
  ASSERT_TRUE(patient.create("a", KeyType::aes_256_gcm));
  ASSERT_TRUE(patient.set_state("a", 1, State::retired));
  ASSERT_TRUE(patient.set_state("a", 1, State::destroyed));
  steady_us += 1000;
  EXPECT_TRUE(patient.due().empty());
}

TEST_F(Ring, RotatesByAgeAndByUses) {
  ASSERT_TRUE(ring.create(
      {.name = "old", .type = KeyType::aes_256_gcm, .attributes = {.rotate_after_days = 1}}));
  ASSERT_TRUE(ring.create(
      {.name = "busy", .type = KeyType::aes_256_gcm, .attributes = {.rotate_after_uses = 10}}));
  const auto usage = ring.find("busy")->primary()->usage;
  ring.usage().add_uses(usage, 9, now_us);
  EXPECT_TRUE(ring.save_usage()->empty());
  ring.usage().add_uses(usage, 1, now_us);
  const auto used_up = *ring.save_usage();
  ASSERT_EQ(used_up.size(), 1u);
  EXPECT_EQ((*ring.perform(used_up[0]))->versions.size(), 2u);
  EXPECT_EQ(ring.perform(used_up[0]).error().code, Code::conflict) << "the new one is fresh";

  now_us += std::int64_t{86'400} * 1'000'000;
  const auto due = ring.due();
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ((*ring.perform(due[0]))->name, "old");
  EXPECT_TRUE(ring.due().empty());
}

TEST_F(Ring, CountsGoOnWhereTheStoreHasThem) {
  ASSERT_TRUE(ring.create("a", KeyType::aes_256_gcm));
  ring.usage().add_reads(ring.find("a")->primary()->usage, 7, now_us);
  ASSERT_TRUE(ring.close_usage());
  EXPECT_TRUE(repository.closed);
  ASSERT_TRUE(ring.load());
  EXPECT_EQ(ring.find("a")->primary()->usage->now().reads, 7);
  ASSERT_TRUE(ring.rotate("a"));
  EXPECT_EQ(ring.find("a")->version(1)->usage->now().reads, 7) << "copies share their counters";
}

TEST_F(Ring, ListsByPagesOwnersAndLabels) {
  for (const char* name : {"c", "a", "d", "b"})
    ASSERT_TRUE(ring.create(
        {.name = name,
         .type = KeyType::hmac_sha_256,
         .attributes = {.owner = *name < 'c' ? "crm" : "legal", .labels = {{"env", name}}}}));
  auto names = [&](std::string_view after, std::size_t limit, const KeyFilter& filter = {}) {
    std::string text;
    for (const auto& key : ring.page(after, limit, filter)) text += key->name;
    return text;
  };
  EXPECT_EQ(names("", 3), "abc");
  EXPECT_EQ(names("c", 3), "d");
  EXPECT_EQ(names("aa", 1), "b") << "a name that is not there";
  EXPECT_EQ(names("d", 9), "");
  EXPECT_EQ(names("", 9, {.owner = "legal"}), "cd");
  EXPECT_EQ(names("", 9, {.labels = {{"env", "b"}}}), "b");
  EXPECT_EQ(names("", 9, {.labels = {{"env", ""}}}), "abcd");
  EXPECT_EQ(names("", 9, {.labels = {{"tier", ""}}}), "");
}

TEST_F(Ring, AttributesChangeAsAWhole) {
  ASSERT_TRUE(ring.create("a", KeyType::aes_256_gcm));
  const auto changed = *ring.set_attributes("a", {.owner = "crm"});
  EXPECT_EQ(changed->attributes.owner, "crm");
  EXPECT_EQ(ring.set_attributes("a", {.actions = {Action::sign}}).error().code,
            Code::invalid_argument);
  EXPECT_EQ(ring.set_attributes("b", {}).error().code, Code::key_unknown);
  repository.away = true;
  EXPECT_EQ(ring.set_attributes("a", {}).error().code, Code::store_unavailable);
  EXPECT_EQ(ring.find("a")->attributes.owner, "crm");
}

TEST_F(Ring, ReadersSeeWholeKeysWhileOthersRotate) {
  ASSERT_TRUE(ring.create("a", KeyType::aes_256_gcm));
  std::atomic<bool> done = false;
  std::atomic<int> torn = 0;
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i)
    readers.emplace_back([&] {
      while (!done) {
        const auto key = ring.find("a");
        if (key->primary()->number != key->versions.size()) ++torn;
      }
    });
  for (int i = 0; i < 200; ++i) EXPECT_TRUE(ring.rotate("a"));
  done = true;
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(torn, 0);
  EXPECT_EQ(ring.find("a")->versions.size(), 201u);
}

// SoftHSM cannot wrap ed25519, and an hsm-only key is wrapped like any other.
TEST_F(Ring, WhatCannotLeaveItsTokenIsNotMadeInAGroup) {
  KeyRing of_group(repository, &repository, [this](HsmJob job) { return job(*hsm); },
                   {.now = [this] { return now_us; }, .portable_only = true, .destroy_wait_us = 0});
  ASSERT_TRUE(of_group.load());
  const auto refused = of_group.create("a", KeyType::ed25519);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::unsupported);
  EXPECT_NE(refused.error().hint.find("store.shared_token"), std::string::npos);
  EXPECT_EQ(token_objects(), kServerObjects) << "and nothing of it is left";
  EXPECT_TRUE(of_group.create(
      {.name = "b", .type = KeyType::aes_256_gcm, .protection = Protection::hsm_only}));
  EXPECT_TRUE(of_group.create("c", KeyType::ecdsa_p256));
  EXPECT_EQ(of_group.size(), 2u);
}

TEST_F(Ring, AKeyOfBeforeTheGroupIsNotRotatedInIt) {
  ASSERT_TRUE(ring.create("a", KeyType::ed25519));
  KeyRing of_group(repository, &repository, [this](HsmJob job) { return job(*hsm); },
                   {.now = [this] { return now_us; }, .portable_only = true, .destroy_wait_us = 0});
  ASSERT_TRUE(of_group.load());
  EXPECT_EQ(of_group.rotate("a").error().code, Code::unsupported);
  EXPECT_EQ(of_group.find("a")->versions.size(), 1u);
  EXPECT_TRUE(signs(*of_group.find("a"))) << "what is there serves";
}

TEST_F(Ring, WhatWasMadeOnAnotherTokenIsNamed) {
  ASSERT_TRUE(ring.create("here", KeyType::ed25519));
  ASSERT_TRUE(ring.create("gone", KeyType::ed25519));
  ASSERT_TRUE(ring.create("wrapped", KeyType::aes_256_gcm));
  EXPECT_EQ(ring.not_on_token().value(), std::vector<std::string>{});
  const KeyPointer gone = ring.find("gone");
  ASSERT_TRUE(hsm->forget({{gone->id, 1}, gone->type, gone->versions[0].material}, true));
  EXPECT_EQ(ring.not_on_token().value(), std::vector<std::string>{"version 1 of key 'gone'"});
}

}  // namespace
}  // namespace nae::keys
